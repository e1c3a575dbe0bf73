// `--since`: a time ago, or an instant.
import { MillraceError } from "@millrace/protocol";
import type { Flags } from "./settings.ts";
import { textFlag } from "./speaking-command.ts";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** @returns ISO 8601; undefined: it was not given @throws {MillraceError} option.invalid */
export function sinceFlag(flags: Flags): string | undefined {
  const text = textFlag(flags, "since");
  return text === undefined ? undefined : parseSince(text, Date.now());
}

/** `30m`: before `nowMs`; else an instant. @returns ISO 8601 @throws {MillraceError} option.invalid */
export function parseSince(text: string, nowMs: number): string {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const isInstant = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const ms =
    count === undefined
      ? Date.parse(isInstant ? text : "")
      : nowMs - Number(count) * (SECONDS[unit] ?? 0) * 1_000;
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  const message = "--since must be like 30m, 12h, 7d, 2026-11-20 or 2026-11-20T07:00:00Z.";
  throw new MillraceError("option.invalid", message);
}
