// What a run may be started with, and what to say of an input that it may not.
import { MillraceError, type Issue, type JsonText, type JsonValue } from "@millrace/protocol";
import type { Log } from "./log.ts";

/** The seed's words. */
export const invalidInput = (issues: readonly Issue[]): MillraceError =>
  new MillraceError("input.invalid", "Input validation failed", { issues });

/** Three bytes a character at most: only long texts are measured. @returns what is wrong, or undefined */
export function inputTooLarge(input: JsonText, limitBytes: number): string | undefined {
  if (input.length * 3 <= limitBytes) return undefined;
  const bytes = Buffer.byteLength(input);
  if (bytes <= limitBytes) return undefined;
  return `The input has ${bytes} bytes; the limit is ${limitBytes}`;
}

export const toWarnings = (stripped: readonly Issue["path"][]): readonly Issue[] =>
  stripped.length === 0
    ? NONE
    : stripped.slice(0, MOST_TOLD).map((path) => ({ path, message: "Unknown field, left out" }));

const NONE: readonly Issue[] = [];
const MOST_TOLD = 100;
const MOST_LOGGED = 20;
const LONGEST_LOGGED = 100;

/** Names alone: values may be anything. */
export function logStripped(log: Log, runId: string, stripped: readonly Issue["path"][]): void {
  if (stripped.length === 0) return;
  const fields = stripped
    .slice(0, MOST_LOGGED)
    .map((path) => path.join(".").slice(0, LONGEST_LOGGED));
  log.warn(
    { runId, fields, count: stripped.length },
    "left out input fields that the schema does not allow",
  );
}

/** A few mistakes in one line, for a message. */
export function summarize(issues: readonly Issue[]): string {
  const shown = issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join(".") || "input"}: ${message}`);
  const rest = issues.length - shown.length;
  return shown.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}

const MOST_DETAILS = 50;

/** For a stored failure. */
export const toDetails = (issues: readonly Issue[]): JsonValue =>
  issues
    .slice(0, MOST_DETAILS)
    .map(({ path, message, hint }) =>
      hint === undefined ? { path, message } : { path, message, hint },
    );
