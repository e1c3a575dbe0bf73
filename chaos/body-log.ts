// The far side of all effects: a file to which each body adds a line when it begins, whichever process it is in.
import { appendFileSync, existsSync, readFileSync } from "node:fs";

export interface BodyLine {
  readonly pid: number;
  readonly runId: string;
  readonly step: string;
  readonly attempt: number;
  /** What the engine says is the same in all attempts of a step. */
  readonly key: string;
  /** What no other body has; its result, if it counts. */
  readonly token: string;
}

export const BODY_LOG = "bodies.log";

/** One write, so that lines of several processes do not mix. SIGKILL loses nothing that the system was given. */
export function tellBody(line: BodyLine): void {
  appendFileSync(BODY_LOG, `${JSON.stringify(line)}\n`);
}

/** In the order in which they began. A line that was torn is of a body that had not begun. */
export function readBodies(path: string): readonly BodyLine[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((text) => {
      try {
        // Written by `tellBody`.
        return text === "" ? [] : [JSON.parse(text) as BodyLine];
      } catch {
        return [];
      }
    });
}
