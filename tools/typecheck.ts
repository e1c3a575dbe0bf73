// Checks every package by its own settings, then what stands outside packages. Reports all, not only the first.

import { join } from "node:path";
import { run } from "./run.ts";
import { readPackages, ROOT } from "./workspace.ts";

const projects = [...readPackages(ROOT).map(({ path }) => join(path, "tsconfig.json")), "."];
for (const project of projects) {
  const code = await run("tsc", ["-p", project]);
  if (code !== 0) process.exitCode = code;
}
