// What a benchmark leaves behind if it is broken off: nothing. Every process that it starts and every folder that it
// makes is known here, and goes when the benchmark goes.
import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";

const children = new Set<ChildProcess>();
const folders = new Set<string>();

export function ownProcess(child: ChildProcess): void {
  children.add(child);
  child.once("close", () => children.delete(child));
}

export function ownFolder(folder: string): void {
  folders.add(folder);
}

const INTERRUPTED = 130;

export function cleanUpAtExit(): void {
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => process.exit(INTERRUPTED));
  }
}
