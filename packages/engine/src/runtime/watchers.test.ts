import {
  asJsonText,
  DEFAULT_TENANT,
  type Run,
  type RunId,
  type TenantId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aHead, NOON } from "../testkit/builders.ts";
import { VirtualClock } from "../testkit/virtual-clock.ts";
import { Watchers, type EndedRun } from "./watchers.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const HEAD = aHead();

const ENDED: EndedRun = {
  history: {
    ...HEAD,
    status: "completed",
    startedAt: NOON,
    finishedAt: NOON,
    cancelRequestedAt: null,
    result: asJsonText("7"),
  },
  journal: [],
};

function show(status: "running" | "completed"): Run {
  const base = {
    id: HEAD.id,
    tenant: HEAD.tenant,
    workspace: HEAD.workspace,
    user: HEAD.user,
    name: null,
    workflowId: HEAD.workflowId,
    workflowVersion: 1,
    trigger: HEAD.trigger,
    input: {},
    metadata: {},
    parent: null,
    retryOf: null,
    createdAt: NOON,
    startedAt: NOON,
    steps: [],
    cancelRequestedAt: null,
  };
  return status === "running"
    ? { ...base, status, waitingOn: null }
    : { ...base, status, output: 7, finishedAt: NOON };
}

class Bench {
  readonly clock = new VirtualClock();
  /** The store, as far as readers see it. */
  stored: Run | null = show("running");
  resident = false;
  reads = 0;
  lookAgainMs = 2_000;
  /** Called in the middle of a read: after the store was asked, before the answer is there. */
  whileReading: () => void = () => {};
  readonly watchers = new Watchers({
    clock: this.clock,
    read: async (tenant: TenantId, runId: RunId) => {
      this.reads += 1;
      const found = tenant === HEAD.tenant && runId === HEAD.id ? this.stored : null;
      await Promise.resolve();
      this.whileReading();
      return found === null ? null : { run: found, lookAgainMs: this.lookAgainMs };
    },
    show: (ended) => Promise.resolve(ended === ENDED ? show("completed") : null),
    isResident: (tenant, runId) => this.resident && tenant === HEAD.tenant && runId === HEAD.id,
  });

  end(): void {
    this.stored = show("completed");
    this.resident = false;
    this.watchers.finished(ENDED);
  }

  wait(more: { timeoutMs?: number; signal?: AbortSignal; tenant?: TenantId; runId?: RunId } = {}): {
    readonly answers: (string | null)[];
  } {
    const { timeoutMs = 60_000, signal, tenant = DEFAULT_TENANT, runId = HEAD.id } = more;
    const answers: (string | null)[] = [];
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    void this.watchers
      .wait(tenant, runId, options)
      .then((run) => answers.push(run === null ? null : run.status));
    return { answers };
  }
}

describe("Watchers.wait", () => {
  test("answers at once with a run that has ended", async () => {
    const bench = new Bench();
    bench.stored = show("completed");
    const { answers } = bench.wait();
    await bench.clock.settle();
    expect(answers).toEqual(["completed"]);
    expect(bench.clock.timers).toBe(0);
  });

  test("answers when a run ends on this node, in the same turn and without asking the store", async () => {
    const bench = new Bench();
    bench.resident = true;
    const waits = [bench.wait(), bench.wait(), bench.wait()];
    await bench.clock.advance(1_500);
    bench.end();
    await Promise.resolve();
    await bench.clock.settle();
    expect(waits.map(({ answers }) => answers)).toEqual([
      ["completed"],
      ["completed"],
      ["completed"],
    ]);
    expect(bench.reads).toBe(0);
    expect(bench.clock.timers).toBe(0);
  });

  test("does not miss an end between the moment it listens and the moment it looks", async () => {
    const bench = new Bench();
    bench.whileReading = () => bench.end();
    const { answers } = bench.wait();
    await bench.clock.settle();
    expect(answers).toEqual(["completed"]);
    expect(bench.clock.monotonicMs()).toBe(0);
  });

  test("notices within two seconds that another node has ended the run", async () => {
    const bench = new Bench();
    const { answers } = bench.wait();
    await bench.clock.advance(3_000);
    bench.stored = show("completed");
    await bench.clock.advance(999);
    expect(answers).toEqual([]);
    await bench.clock.advance(1);
    expect(answers).toEqual(["completed"]);
  });

  test("asks the store again when this node has lost the run", async () => {
    const bench = new Bench();
    bench.resident = true;
    const { answers } = bench.wait();
    await bench.clock.advance(2_000);
    bench.resident = false;
    bench.stored = show("completed");
    await bench.clock.advance(2_000);
    expect(answers).toEqual(["completed"]);
  });

  test("answers with the run as it is when its time is over", async () => {
    const bench = new Bench();
    const { answers } = bench.wait({ timeoutMs: 5_000 });
    await bench.clock.advance(4_999);
    expect(answers).toEqual([]);
    await bench.clock.advance(1);
    expect(answers).toEqual(["running"]);
    expect(bench.clock.timers).toBe(0);
  });

  test("answers at once with the run as it is when it may wait no time", async () => {
    const bench = new Bench();
    bench.resident = true;
    const { answers } = bench.wait({ timeoutMs: 0 });
    await bench.clock.settle();
    expect(answers).toEqual(["running"]);
  });

  test("answers with the run as it is when the caller gives up", async () => {
    const bench = new Bench();
    const caller = new AbortController();
    const { answers } = bench.wait({ signal: caller.signal });
    await bench.clock.advance(500);
    caller.abort();
    await bench.clock.settle();
    expect(answers).toEqual(["running"]);
    expect(bench.clock.timers).toBe(0);
  });

  test("answers at once when the caller had given up before", async () => {
    const bench = new Bench();
    bench.resident = true;
    const { answers } = bench.wait({ signal: AbortSignal.abort() });
    await bench.clock.settle();
    expect(answers).toEqual(["running"]);
  });

  test("answers null for a run that there is not", async () => {
    const bench = new Bench();
    bench.stored = null;
    const { answers } = bench.wait();
    await bench.clock.settle();
    expect(answers).toEqual([null]);
  });

  test.each([true, false])(
    "answers null at once for a run of another tenant, whether it moves here or not: %s",
    async (resident) => {
      const bench = new Bench();
      bench.resident = resident;
      const { answers } = bench.wait({ tenant: OTHER });
      await bench.clock.settle();
      expect(answers).toEqual([null]);
      bench.end();
      await bench.clock.advance(60_000);
      expect(answers).toEqual([null]);
    },
  );

  test("tells nobody of a run for which nobody waits", async () => {
    const bench = new Bench();
    const { answers } = bench.wait({ timeoutMs: 1_000 });
    await bench.clock.advance(1_000);
    expect(() => bench.end()).not.toThrow();
    expect(answers).toEqual(["running"]);
  });

  test("rejects when the store fails, and listens no longer", async () => {
    const bench = new Bench();
    bench.whileReading = () => {
      throw new Error("no store");
    };
    await expect(
      bench.watchers.wait(DEFAULT_TENANT, HEAD.id, { timeoutMs: 1_000 }),
    ).rejects.toThrow("no store");
    expect(bench.clock.timers).toBe(0);
  });
});
