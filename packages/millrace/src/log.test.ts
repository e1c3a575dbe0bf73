import { describe, expect, test } from "vitest";
import { newKey } from "./auth/key.ts";
import { createLog, type LogLevel } from "./log.ts";

function capture(level: LogLevel, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(createLog({ level, write: (line) => lines.push(line) }));
  return lines;
}

describe("the log", () => {
  test("writes a line of JSON with level, time and fields", () => {
    const [line = ""] = capture("info", (log) => log.info({ runId: "run_x" }, "started"));
    expect(line.endsWith("}\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      runId: "run_x",
      msg: "started",
    });
  });

  test("leaves out what is below its level", () => {
    const lines = capture("warn", (log) => {
      log.debug({}, "a");
      log.info({}, "b");
      log.warn({}, "c");
    });
    expect(lines).toHaveLength(1);
    expect(capture("silent", (log) => log.error({}, "d"))).toEqual([]);
  });

  test("keeps a message on its line, whatever it holds", () => {
    const [line = ""] = capture("info", (log) => log.info({ path: "/a\nb" }, "x\ny\u001b[2J"));
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(line).not.toContain("\u001b");
  });

  test("hides a key wherever it stands: in a field, a message, an error, deep inside", () => {
    const key = newKey();
    const text = capture("debug", (log) => {
      log.info({ key, nested: { deep: [{ value: key }] } }, `with ${key} in it`);
      log.error({ err: new Error(`cannot use ${key}`) }, "failed");
      log.debug({ headers: { authorization: `Bearer ${key}` } }, "request");
    }).join("");
    expect(text).not.toContain(key.slice(16));
  });

  test("hides what stands under a name of secrets", () => {
    const lines = capture("info", (log) => {
      log.info({ adminKey: "open sesame", authorization: "Basic eHg6eXk=" }, "x");
    });
    expect(lines.join("")).not.toMatch(/sesame|eHg6/);
  });
});
