// Logs are pino's, a line of JSON each; at a terminal the same lines are shown short. Whatever is logged, the secret
// part of an API key is replaced before the line is written.
import type { Log } from "@millrace/engine";
import { pino, type DestinationStream } from "pino";
import { hideKeys } from "./auth/key.ts";

export type { Log } from "@millrace/engine";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly write: (line: string) => void;
}

/** Where a careless caller might put a secret. Keys of ours are found anywhere, by their shape. */
const REDACTED = ["key", "adminKey", "secret", "password", "token", "headers", "authorization"];

export function createLog({ level, write }: LogOptions): Log {
  const stream: DestinationStream = { write };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: "[hidden]" },
      hooks: { streamWrite: hideKeys },
    },
    stream,
  );
}
