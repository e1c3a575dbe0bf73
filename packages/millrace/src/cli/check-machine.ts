// What `millrace doctor` looks at on this machine: Node, the data folder, the disk, the clock.
import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { formatBytes } from "./backup-command.ts";
import { storeFile } from "./data-folder.ts";
import { devKeyFile } from "./dev-key.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

const LEAST_NODE = 24;

export function checkNode(version: string = process.versions.node): Finding {
  const major = Number(version.split(".")[0]);
  if (major >= LEAST_NODE) return ok("Node", version);
  const advice = `Install Node ${LEAST_NODE} or later; in a checkout npm ci brings one along.`;
  return fail("Node", `${version} is too old`, advice);
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The nearest folder above that there is. */
async function nearestFolder(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) if (dirname(at) === at || (await isThere(at))) return at;
}

const OTHERS = 0o077;

export async function checkDataFolder(data: string): Promise<Finding> {
  const check = "data folder";
  const folder = await nearestFolder(data);
  const mode = constants.R_OK + constants.W_OK + constants.X_OK;
  const isUsable = await access(folder, mode).then(
    () => true,
    () => false,
  );
  if (!isUsable) {
    const advice = "Give this user the right to write there, or name another folder with --data.";
    return fail(check, `${folder} cannot be written`, advice);
  }
  if (folder !== data) return ok(check, `${data} is not there yet; the first start makes it`);
  const secrets = [data, storeFile(data), devKeyFile(data)];
  for (const path of secrets) {
    const found = await stat(path).catch(() => null);
    // On Windows rights are kept elsewhere, and these bits say nothing.
    if (found === null || process.platform === "win32" || (found.mode & OTHERS) === 0) continue;
    const advice = `It holds payloads and keys: chmod -R go-rwx ${data}`;
    return warn(check, `others may read ${path}`, advice);
  }
  return ok(check, data);
}

const MIB = 1_048_576;
/** A start still works, but not for long. */
const LITTLE_BYTES = 1_024 * MIB;
/** The store stops taking writes at about this. */
const TOO_LITTLE_BYTES = 64 * MIB;

export async function checkDisk(data: string): Promise<Finding> {
  const check = "disk space";
  const { bavail, bsize } = await statfs(await nearestFolder(data));
  return judgeFreeBytes(check, bavail * bsize);
}

export function judgeFreeBytes(check: string, free: number): Finding {
  const message = `${formatBytes(free)} free`;
  const advice = "Make room, or move the data folder to a larger disk.";
  if (free < TOO_LITTLE_BYTES) return fail(check, message, advice);
  return free < LITTLE_BYTES ? warn(check, message, advice) : ok(check, message);
}

/** Before this was written no machine ran it. */
const LEAST_MS = Date.UTC(2026, 0, 1);
const MOST_AHEAD_MS = 60_000;

/** Timers and timeouts follow the clock, and a store that is ahead of it waits until it has caught up. */
export async function checkClock(data: string, nowMs: number): Promise<Finding> {
  const check = "clock";
  const advice = "Set the clock, and keep it right with NTP.";
  const shown = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  if (nowMs < LEAST_MS) return fail(check, `it is not ${shown}`, advice);
  const store = await stat(storeFile(data)).catch(() => null);
  if (store !== null && store.mtimeMs > nowMs + MOST_AHEAD_MS) {
    const written = new Date(store.mtimeMs).toISOString().slice(0, 19);
    return warn(check, `${shown}, and the store was written at ${written}Z`, advice);
  }
  return ok(check, shown);
}
