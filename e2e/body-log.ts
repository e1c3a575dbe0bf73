// The file that the bodies of the crash test write, whoever killed them.
import { existsSync, readFileSync } from "node:fs";

/** A body that had begun. */
export interface BodyLine {
  /** Of the server's process. */
  readonly pid: number;
  readonly runId: string;
  readonly step: string;
  readonly attempt: number;
}

export class BodyLog {
  readonly #path: string;
  #readBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns the lines written since the reading before */
  readNew(): readonly BodyLine[] {
    if (!existsSync(this.#path)) return [];
    const bytes = readFileSync(this.#path).subarray(this.#readBytes);
    this.#readBytes += bytes.length;
    return bytes.toString().split("\n").filter((line) => line !== "").map(toLine);
  }
}

function toLine(text: string): BodyLine {
  const [pid, runId = "", step = "", attempt] = text.split(" ");
  return { pid: Number(pid), runId, step, attempt: Number(attempt) };
}
