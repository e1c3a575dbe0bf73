// The file that the bodies of the crash test write, whoever killed them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "./deadline.ts";

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

  /** @param folder the working folder of the server */
  constructor(folder: string) {
    this.#path = join(folder, "bodies.log");
  }

  /** Resolves when a body of this step of this run has begun. */
  async began(runId: string, step: string): Promise<void> {
    await waitFor(`a body of ${step}`, () =>
      this.#readAll().some((line) => line.runId === runId && line.step === step) ? true : undefined,
    );
  }

  /** @returns steps of this run whose body has begun, in order, as often as it has */
  stepsOf(runId: string): readonly string[] {
    return this.#readAll().flatMap((line) => (line.runId === runId ? line.step : []));
  }

  /** @returns the lines written since the reading before */
  readNew(): readonly BodyLine[] {
    const bytes = this.#read().subarray(this.#readBytes);
    this.#readBytes += bytes.length;
    return toLines(bytes);
  }

  #readAll(): readonly BodyLine[] {
    return toLines(this.#read());
  }

  #read(): Buffer {
    return existsSync(this.#path) ? readFileSync(this.#path) : Buffer.alloc(0);
  }
}

const LINE = /^(\d+) (\S+) (\S+) (\d+) begins$/;

/** A torn line is of a body that was killed before it had said that it begins. */
const toLines = (bytes: Buffer): readonly BodyLine[] =>
  bytes
    .toString()
    .split("\n")
    .flatMap((text) => {
      const [, pid, runId = "", step = "", attempt] = LINE.exec(text) ?? [];
      return pid === undefined ? [] : { pid: Number(pid), runId, step, attempt: Number(attempt) };
    });
