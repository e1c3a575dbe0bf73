// A reporter of Vitest that ends a run in which no test comes to an end any more. A worker that is stuck outside of
// JavaScript does not come to its own time limits either: the run would stand still for ever, and nobody would say why.
import { spawnSync } from "node:child_process";
import type { Reporter, TestModule } from "vitest/node";

export interface HangWatchOptions {
  /** Without the end of a test. Default: ten minutes, more than any test is given. */
  readonly limitMs?: number;
}

const LIMIT_MS = 600_000;
const LOOKS = 20;

export default class HangWatch implements Reporter {
  readonly #limitMs: number;
  readonly #running = new Map<string, number>();
  #heardAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ limitMs = LIMIT_MS }: HangWatchOptions = {}) {
    this.#limitMs = limitMs;
  }

  onTestRunStart(): void {
    this.#hear();
    this.#timer = setInterval(() => this.#look(), this.#limitMs / LOOKS);
    this.#timer.unref();
  }

  onTestModuleStart({ relativeModuleId }: TestModule): void {
    this.#hear();
    this.#running.set(relativeModuleId, this.#heardAt);
  }

  onTestCaseResult(): void {
    this.#hear();
  }

  onTestModuleEnd({ relativeModuleId }: TestModule): void {
    this.#hear();
    this.#running.delete(relativeModuleId);
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #hear(): void {
    this.#heardAt = performance.now();
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#heardAt < this.#limitMs) return;
    const since = (at: number): string => `${Math.round((now - at) / 1_000)} s`;
    const files = [...this.#running].map(([file, at]) => `${file}, since ${since(at)}`);
    const processes = listDescendants(process.pid);
    console.error(
      [
        `\nHUNG: no test has ended for ${since(this.#heardAt)}. Running:`,
        ...files,
        "",
        // Where a process waits in the kernel says whether it is idle, stopped, or stuck.
        ...processes.map(({ line }) => line),
      ].join("\n"),
    );
    for (const { pid } of processes) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has just gone by itself.
      }
    }
    process.exit(1);
  }
}

interface Descendant {
  readonly pid: number;
  readonly line: string;
}

/** Empty where there is no `ps`. */
function listDescendants(ancestor: number): readonly Descendant[] {
  const { pid: own, stdout } = spawnSync(
    "ps",
    ["-A", "-o", "pid=,ppid=,stat=,wchan=,time=,args="],
    {
      encoding: "utf8",
    },
  );
  const family = new Set([ancestor]);
  const found: Descendant[] = [];
  const lines = (stdout ?? "").split("\n");
  // A child may be listed before its parent.
  for (let before = -1; before !== found.length;) {
    before = found.length;
    for (const line of lines) {
      const [pid = 0, parent = 0] = line.trim().split(/\s+/, 2).map(Number);
      if (pid === own || family.has(pid) || !family.has(parent)) continue;
      family.add(pid);
      found.push({ pid, line });
    }
  }
  return found;
}
