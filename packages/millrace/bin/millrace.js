#!/usr/bin/env node
// The `millrace` command: finds a fitting Node and the flags it needs, then hands over to `cli/main`, which runs
// on import. Committed as JavaScript, since npm links a workspace's bin only if the file exists at `npm ci`.

import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findNodeAbove, planLaunch } from "./launch.js";

const file = fileURLToPath(import.meta.url);
const root = dirname(dirname(file));
const hasSources = existsSync(join(root, "src", "cli", "main.ts"));

const plan = planLaunch({
  version: process.versions.node,
  execArgv: process.execArgv,
  execPath: process.execPath,
  hasSources,
  findNode: () => findNodeAbove(root),
});

if (plan.kind === "go-on") {
  const main = hasSources ? "../src/cli/main.ts" : "../dist/cli/main.js";
  module.enableCompileCache();
  await import(main);
} else if (plan.kind === "refused") {
  process.stderr.write(`${plan.sentence}\n`);
  process.exitCode = 1;
} else {
  await rerun(plan.node, [...plan.flags, file, ...process.argv.slice(2)]);
}

/**
 * Puts another Node in the place of this process. Where the system allows it that is literally so (same pid, so
 * that signals, SIGKILL and exit codes need nobody between); otherwise a child that gets our signals.
 *
 * @param {string} node
 * @param {string[]} args
 */
async function rerun(node, args) {
  if (process.execve !== undefined && process.platform !== "win32") {
    process.execve(node, [node, ...args], process.env);
  }
  const { spawn } = await import("node:child_process");
  const { isatty } = await import("node:tty");
  const child = spawn(node, args, { stdio: "inherit" });
  // A key press reaches the whole foreground group, so the child has it already; sent twice it would mean "at once".
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  for (const signal of /** @type {const} */ (["SIGINT", "SIGQUIT"])) {
    process.on(signal, () => hasTerminal || child.kill(signal));
  }
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP", "SIGUSR2"])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    process.stderr.write(`Millrace could not start ${node}: ${error.message}.\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
