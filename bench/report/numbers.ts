// Numbers as people read them.
import type { Unit } from "../measurement.ts";

export const toCount = (value: number): string => Math.round(value).toLocaleString("en");

/** Three figures, which is more than any of these numbers is good for. */
export function toDuration(ms: number): string {
  return ms >= 10_000 ? `${toFigures(ms / 1_000)} s` : `${toFigures(ms)} ms`;
}

export function toAmount(value: number, unit: Unit): string {
  switch (unit) {
    case "ms":
      return toDuration(value);
    case "ratio":
      return value.toFixed(2);
    case "bytes":
    case "MB":
    case "µs":
      return `${toFigures(value)} ${unit}`;
    case "runs/s":
    case "requests/s":
    case "starts/s":
    case "claims/s":
    case "statements/min":
      return `${toFigures(value)} ${unit}`;
  }
}

function toFigures(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  if (decimals > 0) return value.toFixed(decimals);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 2);
  return toCount(Math.round(value / unit) * unit);
}
