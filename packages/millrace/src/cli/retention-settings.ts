// How long a server keeps what has ended: a class a setting.
import type { RetentionOptions } from "@millrace/engine";
import { MillraceError, toDurationMs } from "@millrace/protocol";

export type RetentionSettingName =
  "retentionCompleted" | "retentionFailed" | "retentionCancelled" | "retentionAudit";

interface RetentionSetting {
  readonly env: string;
  readonly isInFile: true;
  readonly default: string;
  readonly check: (text: string) => string | null;
}

const FOREVER = "forever";

function checkKept(text: string): string | null {
  try {
    if (text !== FOREVER) toDurationMs(text, "");
    return null;
  } catch (error) {
    if (!MillraceError.is(error)) throw error;
    return `must be a duration such as "12h" or "90 days", up to 100 years, or "${FOREVER}"`;
  }
}

const setting = (name: string, text: string): RetentionSetting => ({
  env: `MILLRACE_RETENTION_${name}`,
  isInFile: true,
  default: text,
  check: checkKept,
});

/** The engine has the same defaults. */
export const RETENTION_SETTINGS: Readonly<Record<RetentionSettingName, RetentionSetting>> = {
  retentionCompleted: setting("COMPLETED", "30 days"),
  retentionFailed: setting("FAILED", "90 days"),
  retentionCancelled: setting("CANCELLED", "30 days"),
  retentionAudit: setting("AUDIT", "400 days"),
};

/** @param get a setting as given or by default */
export function readRetention(
  get: (name: RetentionSettingName) => string | null,
): RetentionOptions {
  const kept = (name: RetentionSettingName): string =>
    get(name) ?? RETENTION_SETTINGS[name].default;
  return {
    completed: kept("retentionCompleted"),
    failed: kept("retentionFailed"),
    cancelled: kept("retentionCancelled"),
    audit: kept("retentionAudit"),
  };
}
