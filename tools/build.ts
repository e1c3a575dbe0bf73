// Emits every package's `dist` from its sources, in the order of their dependencies, file for file, and copies
// what the compiler does not know (migrations). Begins with an empty `dist`, so that no deleted file is published.

import { cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import { readPackages, ROOT } from "./workspace.ts";

for (const { path } of readPackages(ROOT)) {
  rmSync(join(path, "dist"), { recursive: true, force: true });
  const code = await run("tsc", ["-p", join(path, "tsconfig.build.json")]);
  if (code !== 0) process.exit(code);
  for (const file of globSync("**/*.sql", { cwd: join(path, "src") })) {
    cpSync(join(path, "src", file), join(path, "dist", file));
  }
}
