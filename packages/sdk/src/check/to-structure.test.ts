import { REPLAY_FORMAT, type JsonValue, type ReplayRecord } from "@millrace/protocol";
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseReplayRecord } from "./parse-record.ts";
import { toStructure, type Digest } from "./to-structure.ts";

const digestBy =
  (secret: string): Digest =>
  (text) =>
    createHmac("sha256", secret).update(text).digest("hex");

const aRecord = (more: Partial<ReplayRecord> = {}): ReplayRecord => ({
  format: REPLAY_FORMAT,
  detail: "whole",
  runId: "run_01K0000000E0G8000000000000",
  workflow: "order",
  version: "1",
  input: null,
  metadata: {},
  workspace: null,
  user: null,
  createdAt: "2026-11-20T12:00:00.000Z",
  settled: [],
  open: [],
  stop: null,
  end: null,
  ...more,
});

const hide = (record: ReplayRecord): ReplayRecord => toStructure(record, digestBy("a secret"));
const hideText = (text: string): string => hide(aRecord({ user: text })).user ?? "";
const hideValue = (input: JsonValue): JsonValue => hide(aRecord({ input })).input;

const step = (key: string, output: JsonValue): ReplayRecord["settled"][number] => ({
  sequence: 1,
  key,
  position: 0,
  kind: "call",
  outcome: { status: "completed", output },
  at: "2026-11-20T12:00:01.000Z",
});

describe("a record without texts", () => {
  test("holds none of what was hidden in each of its places", () => {
    const secrets = Array.from({ length: 16 }, (_, i) => `Ada Lovelace ${i}`);
    const [input = "", field = "", label = "", place = "", user = "", output = "", ...more] =
      secrets;
    const [message = "", details = "", cause = "", name = "", code = "", key = "", last = ""] =
      more;
    const failure = {
      code: "step.failed",
      message,
      source: "code",
      name,
      details: { details },
      cause: { code, message: cause, source: "code" },
    } as const;
    const record = aRecord({
      input: { deep: [{ text: input }], [field]: 1, key },
      metadata: { label },
      workspace: place,
      user,
      settled: [
        step("charge", output),
        { ...step(`mail ${key}`, 1), sequence: 2, outcome: { status: "failed", failure } },
      ],
      open: [{ key: `ask ${key}#2`, position: 2, kind: "event" }],
      stop: { sequence: 3, outcome: { status: "failed", failure }, at: "2026-11-20T12:00:02.000Z" },
      end: { status: "completed", output: [last] },
    });
    const text = JSON.stringify(hide(record));
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(text).not.toContain("Ada");
    expect(parseReplayRecord(JSON.parse(text))).toMatchObject({ ok: true });
  });

  test("holds nothing that a server adds of which this release does not know", () => {
    const extra = { log: "Ada Lovelace" };
    const failure = { code: "step.failed", message: "no", source: "code", ...extra } as const;
    const record = aRecord({
      ...extra,
      settled: [{ ...step("charge", 1), ...extra }],
      open: [{ key: "ask", position: 1, kind: "event", ...extra }],
      stop: {
        sequence: 2,
        outcome: { status: "failed", failure },
        at: "2026-11-20T12:00:02.000Z",
        ...extra,
      },
      end: { status: "cancelled", ...extra },
    });
    expect(JSON.stringify(hide(record))).not.toMatch(/Ada|log/);
  });

  test("keeps what the code itself says", () => {
    const record = aRecord({
      input: { orderId: true, "a-b": null, count: 999, list: [0, -7, false, ""] },
      settled: [step("charge#2", {}), { ...step("$patch/weigh", true), sequence: 2 }],
      end: {
        status: "failed",
        failure: { code: "http.status", message: "", source: "code", step: "charge", attempt: 3 },
      },
    });
    expect(hide(record)).toEqual({ ...record, detail: "structure" });
  });

  test("has one stand-in for equal texts, and others for other ones", () => {
    const hidden = hide(
      aRecord({
        input: ["Ada", "Bob", "Ada", ""],
        metadata: { owner: "Bob" },
        settled: [step("charge", { owner: "Ada", Ada: 1 })],
      }),
    );
    const [ada, bob, again, empty] = Object.values(hidden.input ?? {}) as readonly string[];
    expect([again, empty]).toEqual([ada, ""]);
    expect(bob).not.toBe(ada);
    expect(hidden.metadata).toEqual({ owner: bob });
    expect(hidden.settled[0]?.outcome).toMatchObject({ output: { owner: ada } });
  });

  test("has other stand-ins with another secret", () => {
    const record = aRecord({ input: "Ada" });
    expect(toStructure(record, digestBy("one")).input).not.toBe(
      toStructure(record, digestBy("other")).input,
    );
  });

  test("has stand-ins for numbers of their sign and kind", () => {
    const [large, same, below, part, other] = Object.values(
      hideValue([1_234_567, 1_234_567, -1_234_567, 19.99, 7_654_321]) ?? {},
    ) as readonly number[];
    expect(large).toBeGreaterThanOrEqual(1_000);
    expect(large).not.toBe(1_234_567);
    expect(same).toBe(large);
    expect(other).not.toBe(large);
    expect(below).toBeLessThanOrEqual(-1_000);
    expect([large, below].every(Number.isSafeInteger)).toBe(true);
    expect(Number.isInteger(part)).toBe(false);
    expect(part).toBeGreaterThan(0);
  });

  test.for([
    ["an instant", "2026-11-20T12:00:00+01:00", /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/],
    ["a day", "2026-11-20", /^20\d\d-\d\d-\d\d$/],
    ["a UUID", "0198c5f0-1111-7222-8333-444455556666", /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/],
    ["an address", "ada@example.org", /^t[\da-f]{12}@example\.com$/],
    ["a URL", "https://ada.example.org/a?b=c", /^https:\/\/example\.com\/t[\da-f]{12}$/],
    ["digits", "0170555", /^\d+$/],
    ["anything else", "Ada\nLovelace", /^t[\da-f]{12}$/],
  ] as const)("keeps the form of %s", ([, text, form]) => {
    const hidden = hideValue(text);
    expect(hidden).toMatch(form);
    expect(hidden).not.toBe(text);
  });

  test("has in the keys of steps what the code makes of the stand-ins", () => {
    const hidden = hide(
      aRecord({
        input: { name: "Ada (a+b)", id: 40_001, words: "charge", short: "A1" },
        settled: [
          step("charge Ada (a+b)", "Lovelace 7"),
          { ...step("ship-40001#2", 1), sequence: 2 },
          { ...step("ship-140001 A1", 1), sequence: 3 },
          { ...step("thank Lovelace 7", 1), sequence: 4 },
        ],
      }),
    );
    const { name, id } = hidden.input as { name: string; id: number };
    expect(hidden.settled.map(({ key }) => key)).toEqual([
      // A plain word is the code's own, wherever it stands.
      `charge ${name}`,
      `ship-${id}#2`,
      "ship-140001 A1",
      `thank ${hideText("Lovelace 7")}`,
    ]);
  });

  test("makes the same key of a number and of its digits", () => {
    const { input, settled } = hide(
      aRecord({ input: ["40001", 40_001], settled: [step("ship 40001", null)] }),
    );
    const [text, number] = Object.values(input ?? {}) as readonly unknown[];
    expect(text).toBe(String(number));
    expect(settled[0]?.key).toBe(`ship ${String(number)}`);
  });
});
