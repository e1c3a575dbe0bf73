// Signals to a postmaster and all its children. Each child is a session of its own, so there is no group to signal.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * Stops the parent, so that it makes no more children, then the children.
 *
 * @returns the children
 */
export function freezeTree(parent: number): readonly number[] {
  signal(parent, "SIGSTOP");
  const frozen = new Set<number>();
  // Again until nothing is new: the parent may have been about to make one more.
  for (;;) {
    const fresh = listChildren(parent).filter((pid) => !frozen.has(pid));
    if (fresh.length === 0) return [...frozen];
    for (const pid of fresh) {
      signal(pid, "SIGSTOP");
      frozen.add(pid);
    }
  }
}

export function thawTree(parent: number): void {
  for (const pid of [...listChildren(parent), parent]) signal(pid, "SIGCONT");
}

/** None of them does anything more, not even tidy up. */
export function killTree(parent: number): void {
  for (const pid of [parent, ...freezeTree(parent)]) signal(pid, "SIGKILL");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It is gone already.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function listChildren(parent: number): readonly number[] {
  const parents = process.platform === "linux" ? readProc() : readPs();
  return parents.filter(([, of]) => of === parent).map(([pid]) => pid);
}

type PidAndParent = readonly [pid: number, parent: number];

/** A slim container has no `ps`. */
function readProc(): readonly PidAndParent[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name): PidAndParent => [Number(name), readParent(name)]);
}

function readParent(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // `pid (name) state ppid …`, where the name may hold anything.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It ended while the list was read.
    return 0;
  }
}

function readPs(): readonly PidAndParent[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]): PidAndParent => [pid, parent]);
}
