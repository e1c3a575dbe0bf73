import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { describe, expect, test } from "vitest";
import { readRetention } from "./retention-settings.ts";
import { readSettings } from "./settings.ts";

const read = (env: Readonly<Record<string, string>> = {}): unknown => {
  const settings = readSettings({}, { env, cwd: "/nowhere" });
  return readRetention((name) => settings.get(name));
};

describe("settings of retention", () => {
  test("keep completed and cancelled runs for 30 days, failed ones for 90, the audit for 400", () => {
    expect(read()).toEqual({
      completed: "30 days",
      failed: "90 days",
      cancelled: "30 days",
      audit: "400 days",
    });
  });

  test("are one for each class, and the engine takes them", async () => {
    const env = {
      MILLRACE_RETENTION_COMPLETED: "0s",
      MILLRACE_RETENTION_FAILED: "forever",
      MILLRACE_RETENTION_CANCELLED: "1h 30m",
      MILLRACE_RETENTION_AUDIT: "5000 weeks",
    };
    const settings = readSettings({}, { env, cwd: "/nowhere" });
    const retention = readRetention((name) => settings.get(name));
    expect(retention).toEqual({
      completed: "0s",
      failed: "forever",
      cancelled: "1h 30m",
      audit: "5000 weeks",
    });
    const storage = await createSqliteStorage({ memory: true });
    await createEngine({ storage, retention }).stop();
  });

  test.each(["", "soon", "-1d", "99999 days", "Infinity"])("refuse %j", (text) => {
    expect(() => read({ MILLRACE_RETENTION_FAILED: text })).toThrow(
      'MILLRACE_RETENTION_FAILED must be a duration such as "12h" or "90 days", up to 100 years, or "forever".',
    );
  });
});
