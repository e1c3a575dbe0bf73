import { describe, expect, test } from "vitest";
import { aHead, aProgram, completed, json, NOON, operation } from "../testkit/builders.ts";
import { begin, createPass } from "./drive.ts";
import { utf8Bytes } from "./payload.ts";
import type { Program } from "./program.ts";
import { createRunState, type RunState } from "./state.ts";

const LIMIT = 100;
const large = "x".repeat(LIMIT);

function play(program: Program): RunState {
  const run = createRunState(aHead(), LIMIT);
  begin(run, program, NOON, createPass());
  return run;
}

describe("utf8Bytes", () => {
  test.each(["", "abc", "é", "€", "😀", "a😀b", "\ud800", "\udc00x", "\ud800é", "日本語"])(
    "counts %j as an encoder does",
    (text) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
    },
  );
});

describe("a payload over the limit", () => {
  test("fails the step that made it, which names its size and the limit", () => {
    const value = operation("v", {
      kind: "value",
      outcome: { status: "completed", output: json(large) },
    });
    expect(play(aProgram([value])).journal).toMatchObject([
      {
        kind: "failure",
        retryAt: null,
        failure: {
          code: "payload.too-large",
          message: expect.stringContaining(
            "output of step v has 102 bytes; the limit is 100",
          ) as string,
        },
      },
    ]);
  });

  test("is not handed to a child", () => {
    const child = operation("c", { kind: "child", workflow: "w", input: json(large) });
    expect(play(aProgram([child])).journal).toMatchObject([{ kind: "failure", key: "c" }]);
  });

  test("fails a run whose output it would be", () => {
    const run = play(aProgram([{ kind: "end", outcome: completed(large) }]));
    expect(run.ended).toMatchObject({ status: "failed", failure: { code: "payload.too-large" } });
  });

  test("is one byte over it, counted as UTF-8", () => {
    const fits = play(aProgram([{ kind: "end", outcome: completed("é".repeat((LIMIT - 2) / 2)) }]));
    expect(fits.ended?.status).toBe("completed");
    const over = play(
      aProgram([{ kind: "end", outcome: completed(`${"é".repeat((LIMIT - 2) / 2)}x`) }]),
    );
    expect(over.ended?.status).toBe("failed");
  });
});
