const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `<1 ms`, `12 ms`, `1.23 s`, `2m 03s`, `3h 05m`, `2d 03h`: at most eight characters up to 999 days. */
export function formatDuration(ms: number): string {
  if (ms < 1) return "<1 ms";
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(2)} s`;
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < HOUR) return pair(ms, MINUTE, "m", SECOND, "s");
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "m");
  return pair(ms, DAY, "d", HOUR, "h");
}

function pair(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)}${bigName} ${String(rest).padStart(2, "0")}${smallName}`;
}

/** `5 s ago`, `12 m ago`, `3 h ago`, `7 d ago`: at most nine characters up to 9,999 days. */
export function formatAgo(ms: number): string {
  const [size, unit] = AGO.find(([one]) => ms >= one) ?? [SECOND, "s"];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit} ago`;
}

const AGO = [
  [DAY, "d"],
  [HOUR, "h"],
  [MINUTE, "m"],
] as const;

/** `2026-11-20 07:12:03Z`. */
export const formatInstant = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
