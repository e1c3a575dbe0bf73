import { MillraceError } from "@millrace/protocol";
import { NoConnectionError } from "./client.ts";

/** What the command ends with; scripts rely on it. */
export const EXIT = { done: 0, failed: 1, usage: 2, noConnection: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function toExitCode(error: unknown): ExitCode {
  if (error instanceof NoConnectionError) return EXIT.noConnection;
  if (MillraceError.is(error) && error.code === "option.invalid") return EXIT.usage;
  return EXIT.failed;
}
