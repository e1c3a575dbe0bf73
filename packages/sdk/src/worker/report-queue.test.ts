import { asJsonText, MillraceError, type HostReport } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Pace } from "../client/pace.ts";
import { ReportQueue } from "./report-queue.ts";

interface Sent {
  readonly batch: number;
  readonly acknowledged: number;
  readonly reports: readonly HostReport[];
}

/** Holds each batch until the test answers it. */
class Line {
  readonly sent: Sent[] = [];
  readonly refused: unknown[] = [];
  readonly queue: ReportQueue;
  #answer: PromiseWithResolvers<void> | null = null;
  readonly #sleeps: (() => void)[] = [];

  constructor() {
    const pace: Pace = {
      nowMs: () => 0,
      random: () => 0,
      sleep: () => new Promise((resolve) => this.#sleeps.push(resolve)),
    };
    this.queue = new ReportQueue({
      send: (body) => {
        // What the queue writes is what the test reads.
        this.sent.push(JSON.parse(body) as Sent);
        this.#answer = Promise.withResolvers<void>();
        return this.#answer.promise;
      },
      onRefused: (error) => {
        this.refused.push(error);
        if (MillraceError.is(error)) this.queue.close(error);
      },
      pace,
      signal: new AbortController().signal,
    });
  }

  async answer(error?: MillraceError): Promise<void> {
    if (error === undefined) this.#answer?.resolve();
    else this.#answer?.reject(error);
    await settle();
  }

  /** The time for an acknowledgement is over. */
  async wait(): Promise<void> {
    for (const wake of this.#sleeps.splice(0)) wake();
    await settle();
  }
}

/** All that follows without waiting for anybody. */
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const idle = (sequence: number): HostReport => ({ type: "idle", session: "s", sequence });

describe("a queue of reports", () => {
  test("has one batch in flight, and gathers the next meanwhile", async () => {
    const line = new Line();
    const first = line.queue.add([idle(1)]);
    await settle();
    void line.queue.add([idle(2)]);
    void line.queue.add([idle(3)]);
    await settle();
    expect(line.sent).toEqual([{ batch: 1, acknowledged: 0, reports: [idle(1)] }]);
    await line.answer();
    await first;
    expect(line.sent.slice(1)).toEqual([
      { batch: 2, acknowledged: 0, reports: [idle(2), idle(3)] },
    ]);
  });

  test("resolves a call when its last report is taken", async () => {
    const line = new Line();
    const large: HostReport = { type: "called", call: "1", result: textOf(1024 * 1024) };
    let isTaken = false;
    const taken = line.queue.add([large, large, idle(1)]).then(() => {
      isTaken = true;
    });
    await settle();
    await line.answer();
    expect([line.sent.length, isTaken]).toEqual([2, false]);
    await line.answer();
    await line.answer();
    await taken;
    expect(line.sent.map(({ batch, reports }) => [batch, reports.length])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  test("acknowledges commands with the next batch, or with an empty one after a while", async () => {
    const line = new Line();
    line.queue.note(1);
    line.queue.note(2);
    void line.queue.add([idle(1)]);
    await settle();
    await line.answer();
    await line.wait();
    expect(line.sent.map(({ acknowledged }) => acknowledged)).toEqual([2]);
    line.queue.note(3);
    await settle();
    expect(line.sent).toHaveLength(1);
    await line.wait();
    expect(line.sent.at(-1)).toEqual({ batch: 2, acknowledged: 3, reports: [] });
  });

  test("acknowledges at once when many commands came", async () => {
    const line = new Line();
    for (let number = 1; number <= 500; number++) line.queue.note(number);
    await settle();
    expect(line.sent).toEqual([{ batch: 1, acknowledged: 500, reports: [] }]);
  });

  test("says of what no server would take that it is too large", async () => {
    const line = new Line();
    const result = textOf(49 * 1024 * 1024);
    void line.queue.add([{ type: "attempted", session: "s", key: "a", attempt: 1, result }]);
    await settle();
    expect(line.sent[0]?.reports).toMatchObject([
      { key: "a", result: { ok: false, terminal: true, failure: { code: "payload.too-large" } } },
    ]);
  });

  test("ends when a batch is refused: nobody waits for ever", async () => {
    const line = new Line();
    const error = new MillraceError("worker.lost");
    const first = line.queue.add([idle(1)]);
    await settle();
    const second = line.queue.add([idle(2)]);
    const outcomes = Promise.allSettled([first, second]);
    await line.answer(error);
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(line.queue.add([idle(3)])).rejects.toBe(error);
    expect(line.refused).toEqual([error]);
    expect(line.sent).toHaveLength(1);
  });
});

const textOf = (
  length: number,
): { readonly ok: true; readonly output: ReturnType<typeof asJsonText> } => ({
  ok: true,
  output: asJsonText(JSON.stringify("x".repeat(length))),
});
