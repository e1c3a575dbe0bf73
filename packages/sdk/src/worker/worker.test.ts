import {
  asJsonText,
  MillraceError,
  toTimestamp,
  type HostCommand,
  type HostReport,
  type WorkerOffer,
  type WorkerTransport,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Pace } from "../client/pace.ts";
import type { Host } from "./attachment.ts";
import { createWorker } from "./create-worker.ts";
import { SupervisedWorker, type WorkerStatus } from "./worker.ts";

const OFFER: WorkerOffer = { name: "w", workflows: [], functions: [], slots: 1, labels: {} };
const LOST = new MillraceError("worker.lost", "It was given up");

/** An owner and a host whose every word the test says. */
class Stage {
  readonly handled: HostCommand[] = [];
  readonly reported: HostReport[] = [];
  readonly closed: string[] = [];
  readonly calls: string[] = [];
  /** What the next attachments throw. */
  readonly refusals: MillraceError[] = [];
  attached = 0;
  worker: SupervisedWorker;
  receive: (commands: readonly HostCommand[]) => void = () => undefined;
  lose: (error: MillraceError) => void = () => undefined;
  say: (reports: readonly HostReport[]) => void = () => undefined;
  readonly #sleeps: (() => void)[] = [];

  constructor(attachesAgain = true) {
    this.worker = new SupervisedWorker({
      transport: this.#transport(),
      closeTransport: () => this.calls.push("close transport"),
      offer: OFFER,
      createHost: (report) => this.#createHost(report),
      attachesAgain,
      pace: this.#pace(),
    });
  }

  get state(): WorkerStatus["state"] {
    return this.worker.status.state;
  }

  /** Whoever sleeps wakes. */
  async wake(): Promise<void> {
    for (const wake of this.#sleeps.splice(0)) wake();
    await settle();
  }

  #pace(): Pace {
    const sleep: Pace["sleep"] = (_, signal) =>
      new Promise((resolve) => {
        this.#sleeps.push(resolve);
        signal.addEventListener("abort", () => resolve());
      });
    return { nowMs: () => 0, random: () => 0, sleep };
  }

  #createHost(report: (reports: readonly HostReport[]) => void): Host {
    this.say = report;
    return {
      sessions: 0,
      handle: (commands) => this.handled.push(...commands),
      close: (reason = "") => this.closed.push(reason),
    };
  }

  #transport(): WorkerTransport {
    return {
      attach: async (_, receive, onLost) => {
        const refusal = this.refusals.shift();
        if (refusal !== undefined) throw refusal;
        this.attached += 1;
        [this.receive, this.lose] = [receive, onLost];
        return {
          report: async (reports) => void this.reported.push(...reports),
          drain: async () => void this.calls.push("drain"),
          close: async () => void this.calls.push("close"),
        };
      },
    };
  }
}

const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const attempt = (key: string, number = 1): HostCommand => ({
  type: "attempt",
  session: "s",
  key,
  attempt: number,
});
const tell = (key: string): HostCommand => ({
  type: "tell",
  session: "s",
  settlement: {
    sequence: 1,
    key,
    position: 0,
    kind: "call",
    outcome: { status: "completed", output: asJsonText("1") },
    at: toTimestamp(0),
  },
});
const CLOSE: HostCommand = { type: "close", session: "s", reason: "" };

describe("a worker", () => {
  test("hands commands to its host and reports to its owner", async () => {
    const stage = new Stage();
    await stage.worker.start();
    stage.receive([attempt("a")]);
    const report: HostReport = { type: "idle", session: "s", sequence: 1 };
    stage.say([report]);
    expect([stage.handled, stage.reported]).toEqual([[attempt("a")], [report]]);
    expect(stage.worker.status).toEqual({ state: "attached", sessions: 0, error: null });
  });

  test("throws what its first attachment is refused with, and may be started again", async () => {
    const stage = new Stage();
    const refusal = new MillraceError("request.unauthorized");
    stage.refusals.push(refusal);
    await expect(stage.worker.start()).rejects.toBe(refusal);
    expect(stage.state).toBe("new");
    await stage.worker.start();
    expect(stage.state).toBe("attached");
  });

  test("begins with an empty host when it was lost, as often as it takes", async () => {
    const stage = new Stage();
    await stage.worker.start();
    const refusal = new MillraceError("request.unauthorized");
    stage.refusals.push(refusal, refusal);
    stage.lose(LOST);
    expect(stage.closed).toEqual([LOST.message]);
    await settle();
    expect(stage.worker.status).toEqual({ state: "attaching", sessions: 0, error: refusal });
    await stage.wake();
    await stage.wake();
    expect(stage.worker.status).toEqual({ state: "attached", sessions: 0, error: null });
    expect(stage.attached).toBe(2);
  });

  test("of an engine in its process is over with the engine", async () => {
    const stage = new Stage(false);
    await stage.worker.start();
    stage.lose(new MillraceError("engine.stopping"));
    await settle();
    expect([stage.state, stage.attached]).toEqual(["stopped", 1]);
  });

  test("stops asking when it is stopped before it is attached again", async () => {
    const stage = new Stage();
    await stage.worker.start();
    stage.refusals.push(LOST);
    stage.lose(LOST);
    await settle();
    await stage.worker.stop();
    await stage.wake();
    expect([stage.state, stage.attached]).toEqual(["stopped", 1]);
    await expect(stage.worker.start()).rejects.toThrow("was stopped");
  });
});

describe("a worker that is stopped", () => {
  test("leaves when the results of its bodies are told, and begins nothing new", async () => {
    const stage = new Stage();
    await stage.worker.start();
    stage.receive([attempt("a"), attempt("b")]);
    const stopped = stage.worker.stop();
    expect(stage.state).toBe("draining");
    stage.receive([tell("a"), attempt("c")]);
    await settle();
    // The body of `b` runs.
    expect(stage.calls).toEqual(["drain"]);
    stage.receive([tell("b")]);
    await stopped;
    expect(stage.handled.at(-1)).toEqual(tell("b"));
    expect(stage.handled).not.toContainEqual(attempt("c"));
    expect(stage.calls).toEqual(["drain", "close", "close transport"]);
    expect(stage.state).toBe("stopped");
  });

  test.for([
    ["has failed and would be tried again", attempt("a", 2)],
    ["lost its session", CLOSE],
  ] as const)("does not wait for a body that %s", async ([, command]) => {
    const stage = new Stage();
    await stage.worker.start();
    stage.receive([attempt("a")]);
    const stopped = stage.worker.stop();
    await settle();
    expect(stage.calls).toEqual(["drain"]);
    stage.receive([command]);
    await stopped;
    expect(stage.state).toBe("stopped");
  });

  test("waits for functions until their results are taken", async () => {
    const stage = new Stage();
    await stage.worker.start();
    // The host is the test's: it looks at nothing of it.
    stage.receive([{ type: "call", call: "1", task: {} as never }]);
    const stopped = stage.worker.stop();
    await settle();
    expect(stage.calls).toEqual(["drain"]);
    stage.say([{ type: "called", call: "1", result: { ok: true, output: asJsonText("1") } }]);
    await stopped;
    expect(stage.reported).toHaveLength(1);
  });

  test("leaves in the middle of a body when the grace is over, or when it is lost meanwhile", async () => {
    for (const end of [(stage: Stage) => stage.wake(), async (stage: Stage) => stage.lose(LOST)]) {
      const stage = new Stage();
      await stage.worker.start();
      stage.receive([attempt("a")]);
      const stopped = stage.worker.stop();
      await settle();
      await end(stage);
      await stopped;
      expect(stage.state).toBe("stopped");
      expect(stage.closed).toHaveLength(1);
    }
  });
});

describe("createWorker", () => {
  const transport: WorkerTransport = { attach: () => Promise.reject(LOST) };
  const functions = { charge: () => 1 };

  test.for([
    ["nothing to execute", { transport }, "nothing to execute"],
    ["no slots", { transport, functions, slots: 0 }, "`slots`"],
    ["an address that is none", { url: "example.com", functions }, "`url`"],
    ["a key that cannot be sent", { url: "http://x", key: "a b", functions }, "`key`"],
    ["no silence at all", { url: "http://x", functions, silenceMs: 0 }, "`silenceMs`"],
  ] as const)("refuses %s", ([, options, what]) => {
    expect(() => createWorker(options)).toThrow(what);
  });
});
