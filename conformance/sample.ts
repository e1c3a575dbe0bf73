// The code that the seeds print, as it stands there: one file a sample, named by the sample's number. No tool formats
// or checks those files; where a sample leaves something out (`...`), the test that runs it says what it fills in.
import { readFileSync } from "node:fs";

/** @param path below `samples`: `001/15-process-order.js` */
export const readSample = (path: string): string =>
  readFileSync(new URL(`samples/${path}`, import.meta.url), "utf8");

/** A sample that is whole JSON. */
export const readJsonSample = (path: string): unknown => JSON.parse(readSample(path));

/** The text with something in place of what the sample leaves out. @throws if the sample does not have `gap` */
export function fillIn(text: string, gap: string, filling: string): string {
  if (!text.includes(gap)) throw new Error(`the sample has no ${gap}`);
  return text.replaceAll(gap, () => filling);
}

type AsyncBody = (...values: unknown[]) => Promise<unknown>;

// The language gives the class no name.
const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => AsyncBody;

/**
 * Runs JavaScript as the body of an async function.
 *
 * @param names what the sample takes for granted: `api`, `fetch`, `process`, …
 * @returns what it returns
 */
export function evaluate(code: string, names: Readonly<Record<string, unknown>>): Promise<unknown> {
  return new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
}

export interface RecordedConsole {
  readonly lines: (readonly unknown[])[];
  log(...values: readonly unknown[]): void;
}

export function recordConsole(): RecordedConsole {
  const lines: (readonly unknown[])[] = [];
  return { lines, log: (...values) => lines.push(values) };
}
