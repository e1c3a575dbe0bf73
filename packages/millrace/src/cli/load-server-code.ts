// Finds the code that a server shall execute, and decides where.
import { createInlineCode } from "../code/inline-code.ts";
import { toChildEnvironment } from "../code/child-environment.ts";
import { startIsolatedCode } from "../code/isolated-code.ts";
import { findModules, loadCode } from "../code/load-code.ts";
import type { HostedCode } from "../code/hosted-code.ts";
import { resolve } from "node:path";
import type { Log } from "../log.ts";
import type { Example } from "./examples.ts";
import type { Io } from "./io.ts";
import { toEnvNames, type Settings } from "./settings.ts";

/** @throws {MillraceError} option.invalid: there is no such folder, or its code cannot be loaded */
export async function loadServerCode(
  settings: Settings,
  io: Io,
  examples: readonly Example[],
  log: Log,
): Promise<HostedCode> {
  const folder = settings.get("functions");
  const own = folder === null ? [] : await findModules(resolve(io.cwd, folder));
  const files = [...own, ...examples.flatMap(({ modules }) => modules)];
  const processCount = Number(settings.get("isolate"));
  if (processCount === 0 || files.length === 0) {
    const code = await loadCode(files);
    for (const warning of code.warnings) log.warn({}, warning);
    return createInlineCode(code);
  }
  const memory = settings.get("isolateMemory");
  return startIsolatedCode({
    files,
    processCount,
    memoryMib: memory === null ? null : Number(memory),
    env: toChildEnvironment(io.env, [
      ...toEnvNames(settings.get("functionsEnv") ?? ""),
      ...toEnvNames(settings.get("definitionEnv") ?? ""),
    ]),
    log,
  });
}
