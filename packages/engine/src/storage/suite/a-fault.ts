import type { ErrorCode } from "@millrace/protocol";
import { expect } from "vitest";

/**
 * Stands for any error of this code whose message says `text`: for `toThrow`, and for
 * `rejects.toEqual`.
 */
export function aFault(code: ErrorCode, text = ""): Error {
  const message: unknown = expect.stringContaining(text);
  // A matcher is of no type; it compares as the error would.
  return expect.objectContaining({ code, message }) as Error;
}
