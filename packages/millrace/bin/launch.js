// Decides how the `millrace` command gets a Node that can run it. Plain JavaScript for any Node from 16 on,
// since it is what an old Node reads first; `millrace.js` carries the decision out.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The oldest major of Node that runs Millrace: it strips types and has `node:sqlite` without a flag. */
const OLDEST_NODE_MAJOR = 24;

/** Passed to every process of ours: nothing in the server may turn text into code. */
const NO_CODE_FROM_TEXT = "--disallow-code-generation-from-strings";

/** Makes our packages resolve to their sources; only a checkout has them. */
const SOURCE_CONDITION = "--conditions=source";

/**
 * Says whether this process can go on, or which command must take its place.
 *
 * The code-generation flag is read when V8 makes its first context, and the condition when Node starts, so neither
 * can be set from inside; hence one re-run. It cannot repeat: a re-run has all flags, so it goes on or is refused.
 *
 * @param {object} here
 * @param {string} here.version as `process.versions.node`
 * @param {readonly string[]} here.execArgv the flags that Node was started with
 * @param {string} here.execPath the Node that runs
 * @param {boolean} here.hasSources whether `src` lies beside `bin`
 * @param {() => string | null} here.findNode looks for another Node, called only below Node 24
 * @returns {{ kind: "go-on" } | { kind: "re-run", node: string, flags: string[] } | { kind: "refused", sentence: string }}
 */
export function planLaunch({ version, execArgv, execPath, hasSources, findNode }) {
  const wanted = hasSources ? [SOURCE_CONDITION, NO_CODE_FROM_TEXT] : [NO_CODE_FROM_TEXT];
  const missing = wanted.filter((flag) => !execArgv.includes(flag));
  const flags = [...execArgv, ...missing];
  if (Number.parseInt(version, 10) >= OLDEST_NODE_MAJOR) {
    return missing.length === 0 ? { kind: "go-on" } : { kind: "re-run", node: execPath, flags };
  }
  const node = missing.length === 0 ? null : findNode();
  if (node !== null) return { kind: "re-run", node, flags };
  const sentence =
    `Millrace needs Node ${OLDEST_NODE_MAJOR} or later and this is Node ${version}: ` +
    `install a newer Node, or add one to the project with "npm install node@${OLDEST_NODE_MAJOR}".`;
  return { kind: "refused", sentence };
}

/**
 * Finds the Node that the `node` package put into the nearest `node_modules`, from `folder` upwards.
 *
 * @param {string} folder where to begin
 * @returns {string | null} null: no folder above has one
 */
export function findNodeAbove(folder) {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, "node_modules", ".bin", "node");
    if (existsSync(candidate)) return candidate;
    if (dirname(at) === at) return null;
  }
}
