import { DEFAULT_TENANT, type HostCommand, type HostReport } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type Answered,
  type TestServer,
} from "../../../../../tools/testkit/open-test-server.ts";
import type { RateClock } from "../../auth/rate-limiter.ts";
import { readEvents, type ServerEvent } from "../../cli/event-stream.ts";
import { RemoteWorkers, type RemoteWorkersOptions } from "../../remote-workers.ts";

const LEASE_MS = 15_000;
const PATH = "/api/v1/workers";
const OFFER = {
  name: "order",
  version: "1",
  inputSchema: null,
  outputSchema: null,
  timeoutMs: null,
};
const BODY = { name: "w", instance: "i", workflows: [OFFER], functions: [], slots: 5, labels: {} };

class HandClock implements RateClock {
  nowMs = 1_000;
  monotonicMs(): number {
    return this.nowMs;
  }
  epochMs(): number {
    return this.nowMs;
  }
}

interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly clock: HandClock;
  readonly workers: RemoteWorkers;
  /** @returns the id of a worker that offers `order` */
  attach(changes?: object, key?: string): Promise<string>;
  start(): Promise<string>;
  report(id: string, batch: number, acknowledged: number, reports: unknown): Promise<Answered>;
  follow(id: string, after?: number): Promise<Reader>;
}

async function openWorld(options: RemoteWorkersOptions = {}): Promise<World> {
  const clock = new HandClock();
  const workers = new RemoteWorkers({ clock, leaseMs: LEASE_MS, ...options });
  const server = await openTestServer({ workers });
  const readers: Reader[] = [];
  return {
    server,
    clock,
    workers,
    attach: async (changes = {}, key = server.key) => {
      const { text, body } = await server.send("POST", PATH, {
        key,
        body: { ...BODY, ...changes },
      });
      if (body.data === undefined) throw new Error(text);
      return body.data.workerId;
    },
    start: async () => {
      const started = await server.send("POST", "/api/v1/workflows/order/run");
      return started.body.data.runId;
    },
    report: (id, batch, acknowledged, reports) =>
      server.send("POST", `${PATH}/${id}/reports`, { body: { batch, acknowledged, reports } }),
    follow: async (id, after = 0) => {
      const reader = await Reader.open(server, id, after);
      readers.push(reader);
      return reader;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(readers.map((reader) => reader.leave()));
      await server[Symbol.asyncDispose]();
    },
  };
}

class Reader {
  readonly status: number;
  readonly #abort: AbortController;
  readonly #events: AsyncGenerator<ServerEvent, void>;

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.#abort = abort;
    this.#events = readEvents(response.body ?? new ReadableStream());
  }

  static async open(server: TestServer, id: string, after: number): Promise<Reader> {
    const abort = new AbortController();
    const request = new Request(`http://localhost${PATH}/${id}/commands?after=${after}`, {
      headers: { "x-api-key": server.key },
      signal: abort.signal,
    });
    return new Reader(await server.app.fetch(request), abort);
  }

  /** null: the stream has ended. */
  async next(): Promise<{ readonly number: number; readonly command: HostCommand } | null> {
    const { value } = await this.#events.next();
    if (value === undefined) return null;
    // The door sends what the engine says.
    return { number: Number(value.id), command: JSON.parse(value.data) as HostCommand };
  }

  async leave(): Promise<void> {
    this.#abort.abort();
    await this.#events.return();
  }
}

const NO_RETRY = { retries: 0, initialDelayMs: 0, maxDelayMs: 0, factor: 1 };
const aRun = (key: string): object => ({ kind: "run", key, retry: NO_RETRY, timeoutMs: 60_000 });
const AN_END = { kind: "end", outcome: { status: "completed", output: '"done"' } };

async function sessionOf(reader: Reader): Promise<string> {
  const first = await reader.next();
  if (first?.command.type !== "open") throw new Error(`no session: ${JSON.stringify(first)}`);
  return first.command.session;
}

const asked = (session: string, ...requests: readonly object[]): object => ({
  type: "asked",
  session,
  position: 0,
  requests,
});

describe("POST /workers", () => {
  test("attaches a worker, whose workflows are active from then on", async () => {
    await using world = await openWorld();
    const answered = await world.server.send("POST", PATH, { body: BODY });
    expect(answered.status).toBe(201);
    expect(answered.body.data).toMatchObject({ heartbeatSeconds: 5 });
    expect(answered.body.data.workerId).toMatch(/^wkr_[0-9a-f]{32}$/);
    const { body } = await world.server.send("GET", "/api/v1/workflows/order");
    expect(body.data.status).toBe("active");
  });

  test("takes how long runs of a workflow are kept, and shows it", async () => {
    await using world = await openWorld();
    await world.attach({ workflows: [{ ...OFFER, retentionMs: 60_000 }] });
    const { body } = await world.server.send("GET", "/api/v1/workflows/order");
    expect(body.data).toMatchObject({ retentionMs: 60_000 });
    const wrong = { ...BODY, instance: "j", workflows: [{ ...OFFER, retentionMs: -1 }] };
    expect(await world.server.send("POST", PATH, { body: wrong })).toMatchObject({ status: 400 });
  });

  test("answers a repeat of the same attachment as the first one, and another one anew", async () => {
    await using world = await openWorld();
    const [first, repeat] = await Promise.all([world.attach(), world.attach()]);
    expect(repeat).toBe(first);
    expect(await world.attach()).toBe(first);
    expect(await world.attach({ instance: "another" })).not.toBe(first);
  });

  test("keeps attachments of tenants apart, whatever they call them", async () => {
    await using world = await openWorld();
    const { engine } = world.server;
    const actor = { key: null, address: null };
    const { name: tenant } = await engine.tenants.create({ name: "other", actor });
    const key = await world.server.makeKey({ tenant });
    const ours = await world.attach();
    const theirs = await world.attach({}, key);
    expect(theirs).not.toBe(ours);
    const found = await world.server.send("GET", PATH, { key });
    expect(found.items.map(({ id }) => id)).toEqual([theirs]);
  });

  test("refuses the name of a JSON workflow", async () => {
    await using world = await openWorld();
    const steps = [{ id: "a", type: "transform", config: { mapping: {} } }];
    await world.server.install({ name: "Order", steps });
    const answered = await world.server.send("POST", PATH, { body: BODY });
    expect([answered.status, answered.body.error.reason]).toEqual([409, "workflow.exists"]);
  });

  test("refuses more workers of a tenant than there may be, until one has gone", async () => {
    await using world = await openWorld({ mostPerTenant: 1 });
    const id = await world.attach();
    const body = { ...BODY, instance: "another" };
    const refused = await world.server.send("POST", PATH, { body });
    expect([refused.status, refused.body.error.reason]).toEqual([503, "workers.too-many"]);
    await world.server.send("DELETE", `${PATH}/${id}`);
    expect(await world.server.send("POST", PATH, { body })).toMatchObject({ status: 201 });
  });
});

describe("GET /workers", () => {
  test("shows what is attached, with versions and slots", async () => {
    await using world = await openWorld();
    const id = await world.attach({ labels: { zone: "a" } });
    const reader = await world.follow(id);
    await world.start();
    await reader.next();
    await world.server.send("POST", `${PATH}/${id}/drain`);
    const { items } = await world.server.send("GET", PATH);
    expect(items).toEqual([
      {
        id,
        name: "w",
        status: "draining",
        workflows: [{ name: "order", version: "1" }],
        functions: [],
        slots: { used: 1, free: 4 },
        labels: { zone: "a" },
        since: "1970-01-01T00:00:01.000Z",
      },
    ]);
  });
});

describe("the commands of a worker", () => {
  test("carry out a run, with the reports that answer them", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const reader = await world.follow(id);
    const runId = await world.start();
    const session = await sessionOf(reader);
    await world.report(id, 1, 1, [asked(session, aRun("a"))]);
    expect(await reader.next()).toEqual({
      number: 2,
      command: { type: "attempt", session, key: "a", attempt: 1 },
    });
    const result = { ok: true, output: "1" };
    await world.report(id, 2, 2, [
      { type: "idle", session, sequence: 0 },
      { type: "attempted", session, key: "a", attempt: 1, result },
    ]);
    expect(await reader.next()).toMatchObject({ number: 3, command: { type: "tell" } });
    await world.report(id, 3, 3, [{ ...asked(session, AN_END), position: 1 }]);
    expect(await reader.next()).toMatchObject({ number: 4, command: { type: "close" } });
    const { body } = await world.server.send("GET", `/api/v1/runs/${runId}?wait=30`);
    expect(body.data).toMatchObject({ status: "completed", output: "done" });
  });

  test("come again from any number that was not acknowledged", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    await world.start();
    await world.start();
    const first = await world.follow(id);
    const commands = [await first.next(), await first.next()];
    await first.leave();
    const again = await world.follow(id);
    expect([await again.next(), await again.next()]).toEqual(commands);
    const second = await world.follow(id, 1);
    expect(await second.next()).toEqual(commands[1]);
    await world.report(id, 1, 1, []);
    expect((await world.follow(id, 1)).status).toBe(200);
    const gone = await world.server.send("GET", `${PATH}/${id}/commands?after=0`);
    expect([gone.status, gone.body.error.reason]).toEqual([409, "worker.out-of-order"]);
    const future = await world.server.send("GET", `${PATH}/${id}/commands?after=3`);
    expect(future.status).toBe(409);
  });

  test("go to one reader: a second one ends the first", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const first = await world.follow(id);
    const second = await world.follow(id);
    expect(await first.next()).toBeNull();
    await world.start();
    expect(await second.next()).toMatchObject({ number: 1 });
  });

  test("are kept up to a bound, beyond which the worker is given up", async () => {
    await using world = await openWorld({ bounds: { commands: 2, characters: 1_000_000 } });
    const id = await world.attach();
    for (let i = 0; i < 3; i++) await world.start();
    await expect.poll(() => world.workers.list(DEFAULT_TENANT)).toEqual([]);
    const answered = await world.server.send("POST", `${PATH}/${id}/heartbeat`);
    expect([answered.status, answered.body.error.reason]).toEqual([404, "worker.lost"]);
  });

  test("are bounded by their size, too, but one goes through whatever its size", async () => {
    await using world = await openWorld({ bounds: { commands: 100, characters: 10 } });
    const id = await world.attach();
    await world.start();
    const reader = await world.follow(id);
    expect(await reader.next()).toMatchObject({ number: 1 });
    await world.start();
    expect(await reader.next()).toBeNull();
  });
});

describe("the reports of a worker", () => {
  test("count once: a repeat of a batch changes nothing and is answered as the first", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const reader = await world.follow(id);
    await world.start();
    const session = await sessionOf(reader);
    const first = await world.report(id, 1, 1, [asked(session, aRun("a"))]);
    // A second request for the same step would set the run aside.
    const repeat = await world.report(id, 1, 1, [asked(session, aRun("b"))]);
    expect([repeat.status, repeat.text]).toEqual([first.status, first.text]);
    expect(await reader.next()).toMatchObject({ command: { type: "attempt", key: "a" } });
    await world.report(id, 2, 2, [{ ...asked(session, aRun("c")) }]);
    expect(await reader.next()).toMatchObject({ command: { type: "attempt", key: "c" } });
  });

  test("are refused when one is missing, or when they acknowledge what was never sent", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const skipped = await world.report(id, 2, 0, []);
    expect([skipped.status, skipped.body.error.reason]).toEqual([409, "worker.out-of-order"]);
    const early = await world.report(id, 1, 7, []);
    expect([early.status, early.body.error.reason]).toEqual([409, "worker.out-of-order"]);
    expect(await world.report(id, 1, 0, [])).toMatchObject({ status: 200 });
  });

  const FAILURE = { code: "step.failed", message: "no", source: "code" };
  const attempted = (result: unknown): object => ({
    type: "attempted",
    session: "s",
    key: "a",
    attempt: 1,
    result,
  });
  const failed = (failure: unknown): object =>
    attempted({ ok: false, failure, retryAfterMs: null, terminal: false });

  const MALFORMED: readonly (readonly [what: string, report: unknown, place: string])[] = [
    ["no object", 1, "reports.0"],
    ["a type that nobody knows", { type: "shrugged" }, "reports.0.type"],
    ["a field that nobody knows", { ...attempted(null), extra: 1 }, "reports.0.extra"],
    ["a session without a name", { type: "idle", session: "", sequence: 0 }, "reports.0.session"],
    ["half a sequence", { type: "idle", session: "s", sequence: 0.5 }, "reports.0.sequence"],
    ["a missing field", { type: "idle", session: "s" }, "reports.0.sequence"],
    ["requests of no kind", asked("s", { kind: "x" }), "reports.0.requests.0.kind"],
    ["a key too long", asked("s", aRun("k".repeat(1_025))), "reports.0.requests.0.key"],
    [
      "a lone surrogate",
      asked("s", { kind: "note", key: "\ud800", output: "1" }),
      "reports.0.requests.0.key",
    ],
    [
      "what is no JSON",
      asked("s", { kind: "note", key: "n", output: "{" }),
      "reports.0.requests.0.output",
    ],
    [
      "JSON that is nested too deep",
      attempted({ ok: true, output: "[".repeat(300) }),
      "reports.0.result.output",
    ],
    [
      "another run than there can be",
      asked("s", { kind: "notify", key: "n", event: "e", data: "1", runId: "run_1" }),
      "reports.0.requests.0.runId",
    ],
    [
      "a time before all times",
      asked("s", { kind: "sleep", key: "n", due: { at: -1 } }),
      "reports.0.requests.0.due.at",
    ],
    [
      "two times for one nap",
      asked("s", { kind: "sleep", key: "n", due: { afterMs: 1, at: 1 } }),
      "reports.0.requests.0.due.at",
    ],
    [
      "a delay that never ends",
      asked("s", { kind: "sleep", key: "n", due: { afterMs: 1e300 } }),
      "reports.0.requests.0.due.afterMs",
    ],
    [
      "a failure of nobody",
      failed({ ...FAILURE, source: "me" }),
      "reports.0.result.failure.source",
    ],
    [
      "a cause that is none",
      failed({ ...FAILURE, cause: { ...FAILURE, code: 1 } }),
      "reports.0.result.failure.cause.code",
    ],
  ];

  test("are refused whole when one is malformed, and the answer says where", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    for (const [what, report, place] of MALFORMED) {
      const answered = await world.report(id, 1, 0, [report]);
      const places = answered.body.error.details.map(({ path }) => path.join("."));
      expect([what, answered.status, places]).toEqual([what, 400, expect.arrayContaining([place])]);
    }
    // None of them counts.
    expect(await world.report(id, 1, 0, [])).toMatchObject({ status: 200 });
  });

  test("of more than 10,000 in a batch are refused", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const report: HostReport = { type: "idle", session: "s", sequence: 0 };
    const answered = await world.report(
      id,
      1,
      0,
      Array.from({ length: 10_001 }, () => report),
    );
    expect(answered.status).toBe(400);
  });

  test("may be larger than other requests, up to their own limit", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const path = `${PATH}/${id}/reports`;
    expect(world.server.app.bodyLimitOf(path)).toBe(64 * 1024 * 1024);
    const large = JSON.stringify("x".repeat(3 * 1024 * 1024));
    const report = attempted({ ok: true, output: large });
    expect(await world.report(id, 1, 0, [report])).toMatchObject({ status: 200 });
    const headers = { "content-length": String(65 * 1024 * 1024) };
    const refused = await world.server.send("POST", path, { body: "{}", headers });
    expect([refused.status, refused.body.error.reason]).toEqual([413, "request.too-large"]);
  });
});

describe("the lease of a worker", () => {
  test("ends when there is no sign of life, and its runs go to others", async () => {
    await using world = await openWorld();
    const silent = await world.attach();
    const reader = await world.follow(silent);
    await world.start();
    await sessionOf(reader);
    const other = await world.attach({ instance: "other" });
    world.clock.nowMs += LEASE_MS;
    await world.server.send("POST", `${PATH}/${other}/heartbeat`);
    expect(world.workers.sweep()).toBe(0);
    world.clock.nowMs += 1;
    expect(world.workers.sweep()).toBe(1);
    expect(await reader.next()).toBeNull();
    const second = await world.follow(other);
    expect(await second.next()).toMatchObject({ command: { type: "open" } });
    for (const path of ["heartbeat", "drain", "reports"]) {
      const answered = await world.server.send("POST", `${PATH}/${silent}/${path}`);
      expect([path, answered.body.error.reason]).toEqual([path, "worker.lost"]);
    }
  });

  test.for(["heartbeat", "reports", "commands"])("is renewed by %s", async (what) => {
    await using world = await openWorld();
    const id = await world.attach();
    world.clock.nowMs += LEASE_MS;
    if (what === "commands") await world.follow(id);
    else await world.server.send("POST", `${PATH}/${id}/${what}`);
    world.clock.nowMs += LEASE_MS;
    expect(world.workers.sweep()).toBe(0);
    world.clock.nowMs += 1;
    expect(world.workers.sweep()).toBe(1);
  });

  test("ends at once when the worker leaves", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const reader = await world.follow(id);
    expect(await world.server.send("DELETE", `${PATH}/${id}`)).toMatchObject({ status: 200 });
    expect(await reader.next()).toBeNull();
    expect(await world.server.send("DELETE", `${PATH}/${id}`)).toMatchObject({ status: 404 });
    expect(world.workers.list(DEFAULT_TENANT)).toEqual([]);
  });

  test("ends with the engine", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const reader = await world.follow(id);
    await world.server.engine.stop({ graceMs: 0 });
    expect(await reader.next()).toBeNull();
    expect(world.workers.list(DEFAULT_TENANT)).toEqual([]);
  });
});

describe("a worker that drains", () => {
  test("gets nothing new, and goes on with what it has", async () => {
    await using world = await openWorld();
    const id = await world.attach();
    const reader = await world.follow(id);
    const runId = await world.start();
    const session = await sessionOf(reader);
    await world.server.send("POST", `${PATH}/${id}/drain`);
    const waiting = await world.start();
    await world.report(id, 1, 1, [asked(session, AN_END)]);
    expect(await reader.next()).toMatchObject({ command: { type: "close", session } });
    const ended = await world.server.send("GET", `/api/v1/runs/${runId}?wait=30`);
    expect(ended.body.data.status).toBe("completed");
    const { body } = await world.server.send("GET", `/api/v1/runs/${waiting}`);
    expect(body.data).toMatchObject({ status: "pending", waitingOn: { kind: "worker" } });
  });
});
