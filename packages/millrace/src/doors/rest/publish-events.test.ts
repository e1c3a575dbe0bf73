import { DEFAULT_TENANT, parseRunId, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../../tools/testkit/open-test-server.ts";
import {
  anEnd,
  anEventRequest,
  ScriptedHost,
} from "../../../../engine/src/testkit/scripted-host.ts";

const NAP = {
  id: "wf_nap",
  name: "Nap",
  steps: [{ id: "nap", type: "wait", config: { duration: 3_600_000 } }],
};
const NOBODY = "run_01M7VYMRNXEVRTXQF6KWYKJ09K";

/** A server with a worker whose runs of `order` wait for an event, and end. */
async function openShop(): Promise<TestServer> {
  const server = await openTestServer();
  await server.install(NAP);
  await ScriptedHost.attach(server.engine, {
    script: { begin: [anEventRequest("paid", "order.paid", 3_600_000)], paid: [anEnd("thanks")] },
  });
  return server;
}

async function start({ send }: TestServer, workflow: string): Promise<string> {
  const { body } = await send("POST", `/api/v1/workflows/${workflow}/run`);
  return body.data.runId;
}

function toRunId(text: string): RunId {
  const id = parseRunId(text);
  if (id === undefined) throw new Error(`${text} is no id of a run`);
  return id;
}

/** A subscription is a message of the run: it arrives a moment after the run waits. */
async function startWaiter(server: TestServer): Promise<string> {
  const runId = await start(server, "order");
  for (;;) {
    const { text } = await server.send("GET", "/api/v1/events/order.paid/waiters");
    if (text.includes(runId)) return runId;
  }
}

/** Signals as the run's log tells of them. */
async function receivedBy({ send }: TestServer, runId: string): Promise<readonly string[]> {
  const { body } = await send("GET", `/api/v1/runs/${runId}/logs?limit=100`);
  // What a page of lines is.
  const lines = body.data as unknown as readonly { readonly message: string }[];
  return lines.map(({ message }) => message).filter((message) => message.startsWith("Received"));
}

describe("POST /events", { timeout: 30_000 }, () => {
  test("reaches every run that waits for the name, and tells which", async () => {
    await using server = await openShop();
    const runs = [await startWaiter(server), await startWaiter(server)];
    const event = { eventId: "order.paid", eventData: { sum: 7 }, id: "e1" };
    const first = await server.send("POST", "/api/v1/events", { body: event });
    expect([first.status, first.body]).toEqual([
      200,
      { success: true, data: [{ id: "e1", runIds: runs }] },
    ]);
    for (const runId of runs) {
      const { body } = await server.send("GET", `/api/v1/runs/${runId}?wait=10`);
      expect(body.data).toMatchObject({ status: "completed", output: "thanks" });
      expect(body.data.steps[0]).toMatchObject({ output: { sum: 7 } });
    }
    const again = await server.send("POST", "/api/v1/events", { body: { ...event, eventData: 8 } });
    expect(again.body).toEqual(first.body);
  });

  test("has an outcome for each of many items, in their order", async () => {
    await using server = await openShop();
    const [waiter, nap] = [await startWaiter(server), await start(server, "wf_nap")];
    const events = [
      { eventId: "order.paid", id: "e1" },
      { eventId: "go", runId: nap, id: "s1" },
      { eventId: "go", runId: NOBODY },
      { eventId: "go", runId: "nonsense" },
      { eventId: "" },
      { eventData: 1 },
      7,
      { eventId: "nobody", id: "e2" },
    ];
    const { status, body } = await server.send("POST", "/api/v1/events", { body: { events } });
    const invalid = { error: { code: "VALIDATION_ERROR", reason: "request.invalid" } };
    const notFound = { error: { code: "NOT_FOUND", reason: "run.not-found" } };
    expect([status, body.data]).toMatchObject([
      200,
      [
        { id: "e1", runIds: [waiter] },
        { id: "s1", runIds: [nap] },
        notFound,
        notFound,
        { error: { ...invalid.error, details: [{ field: "eventId" }] } },
        { error: { ...invalid.error, details: [{ field: "eventId", message: "Required" }] } },
        invalid,
        { id: "e2", runIds: [] },
      ],
    ]);
    const { body: ended } = await server.send("GET", `/api/v1/runs/${waiter}?wait=10`);
    expect(ended.data.steps[0]).toMatchObject({ output: null });
  });

  test("of a single one answers with what is wrong with it", async () => {
    await using server = await openTestServer();
    const post = (body: unknown): Promise<unknown> =>
      server
        .send("POST", "/api/v1/events", { body })
        .then(({ status, body: { error } }) => [status, error.reason]);
    expect(await post({ eventId: "go", runId: NOBODY })).toEqual([404, "run.not-found"]);
    expect(await post({ eventId: "a\nb" })).toEqual([400, "request.invalid"]);
    expect(await post('{"eventId":"a","eventData":1e999}')).toEqual([400, "request.invalid"]);
    const large = { eventId: "a", eventData: "x".repeat(1024 * 1024) };
    expect(await post(large)).toEqual([413, "payload.too-large"]);
    expect(await post({ eventId: "a", events: [{ eventId: "b" }] })).toEqual([
      400,
      "request.invalid",
    ]);
    const events = Array.from({ length: 10_001 }, () => ({ eventId: "a" }));
    expect(await post({ events })).toEqual([413, "request.too-large"]);
  });

  test("brings ten thousand signals to one run in their order (fault 50)", async () => {
    await using server = await openTestServer();
    await server.install(NAP);
    const runId = toRunId(await start(server, "wf_nap"));
    const events = Array.from({ length: 10_000 }, (_, i) => ({ eventId: `n${i}`, runId }));
    const { body } = await server.send("POST", "/api/v1/events", { body: { events } });
    expect((body.data as unknown as readonly object[]).map((it) => Object.keys(it))).toEqual(
      events.map(() => ["id", "runIds"]),
    );
    for (;;) {
      const run = await server.engine.runs.read(DEFAULT_TENANT, runId);
      const names = (run?.journal ?? []).flatMap((entry) =>
        entry.kind === "message" && entry.message.body.kind === "signal"
          ? [entry.message.body.name]
          : [],
      );
      if (names.length < events.length) continue;
      expect(names).toEqual(events.map(({ eventId }) => eventId));
      return;
    }
  });
});

describe("POST /runs/{id}/signals", () => {
  test("gives a run what it keeps for its next wait, once for an id", async () => {
    await using server = await openShop();
    const runId = await start(server, "wf_nap");
    const path = `/api/v1/runs/${runId}/signals`;
    const body = { name: "approved", data: { by: "Ada" }, id: "s1" };
    const answers = [await server.send("POST", path, { body })];
    answers.push(await server.send("POST", path, { body }));
    for (const answer of answers) {
      expect([answer.status, answer.body.data]).toEqual([200, { id: "s1", runIds: [runId] }]);
    }
    await server.send("POST", path, { body: { name: "last" } });
    for (;;) {
      const received = await receivedBy(server, runId);
      if (!received.includes('Received "last"')) continue;
      expect(received).toEqual(['Received "approved"', 'Received "last"']);
      return;
    }
  });

  test("is refused for a run that has ended, is not there, or is named by nonsense", async () => {
    await using server = await openShop();
    const runId = await startWaiter(server);
    await server.send("POST", "/api/v1/events", { body: { eventId: "order.paid" } });
    await server.send("GET", `/api/v1/runs/${runId}?wait=10`);
    const reasons: unknown[] = [];
    for (const id of [runId, NOBODY, "nonsense"]) {
      const sent = { body: { name: "approved" } };
      const { status, body } = await server.send("POST", `/api/v1/runs/${id}/signals`, sent);
      reasons.push([status, body.error.reason]);
    }
    expect(reasons).toEqual([
      [409, "run.finished"],
      [404, "run.not-found"],
      [404, "run.not-found"],
    ]);
  });
});

describe("GET /events/{eventId}/waiters", () => {
  test("lists steps that wait, with since and until, of one tenant", async () => {
    await using server = await openShop();
    const runId = await startWaiter(server);
    const path = "/api/v1/events/order.paid/waiters";
    const { status, body } = await server.send("GET", path);
    const iso: unknown = expect.stringMatching(/^\d{4}-.*Z$/);
    expect([status, body]).toEqual([
      200,
      { success: true, data: [{ runId, step: "paid", since: iso, until: iso }] },
    ]);
    await server.send("POST", "/api/v1/events", { body: { eventId: "order.paid" } });
    expect((await server.send("GET", path)).body.data).toEqual([]);
    const wrong = await server.send("GET", `/api/v1/events/${"x".repeat(256)}/waiters`);
    expect([wrong.status, wrong.body.error.reason]).toEqual([400, "request.invalid"]);
  });
});
