import { describe, expect, test } from "vitest";
import { createLog } from "../log.ts";
import { createLineBuffer, prettyLine } from "./log-output.ts";

const STYLE = { columns: 80, hasUnicode: true, paint: (_: unknown, text: string) => text };

function pretty(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ level: "debug", write: (line) => lines.push(prettyLine(line, STYLE)) }));
  return lines.join("");
}

describe("a short log line", () => {
  test("is a request in words", () => {
    const line = pretty((log) =>
      log.info(
        { requestId: "req_x", runId: "run_x", method: "POST", path: "/a", status: 201, ms: 3.2 },
        "request",
      ),
    );
    expect(line).toMatch(/^\d\d:\d\d:\d\d POST \/a 201 3 ms runId=run_x\n$/);
  });

  test("names its level where it is not usual, and the error", () => {
    const line = pretty((log) => log.warn({ err: new Error("no space") }, "cannot write"));
    expect(line).toMatch(/^\d\d:\d\d:\d\d warn cannot write \(no space\)\n$/);
  });

  test("lets no control character through", () => {
    const line = pretty((log) => log.info({ step: "a\u001b[2J\nb" }, "x\u0007\r\ny"));
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe("a line buffer", () => {
  test("writes the lines of one turn at once, in order, and what is left when it is flushed", () => {
    const written: string[] = [];
    const { add, flush } = createLineBuffer((text) => written.push(text));
    add("a\n");
    add("b\n");
    expect(written).toEqual([]);
    flush();
    flush();
    expect(written).toEqual(["a\nb\n"]);
  });
});
