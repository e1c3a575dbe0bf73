// Checks every package by its own settings, the example that has some, and then all else. Reports all, not only the
// first.

import { join } from "node:path";
import { run } from "./run.ts";
import { readPackages, ROOT } from "./workspace.ts";

const projects = [
  ...readPackages(ROOT).map(({ path }) => join(path, "tsconfig.json")),
  "examples/nestjs-orders",
  ".",
];
for (const project of projects) {
  const code = await run("tsc", ["-p", project, "--noEmit"]);
  if (code !== 0) process.exitCode = code;
}
