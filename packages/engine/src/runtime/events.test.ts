import {
  asJsonText,
  DEFAULT_TENANT,
  fromJsonText,
  newRunId,
  shardOf,
  shardOfEvent,
  toShard,
  toTimestamp,
  type JsonValue,
  type RunId,
  type TenantId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { OutboxMessage } from "../core/run-head.ts";
import {
  aCallStep,
  ACTOR,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";
import { createStepGate } from "../testkit/step-gate.ts";
import type {
  PublishOutcome,
  PublishRequest,
  SignalOutcome,
  SignalRequest,
} from "./event-commands.ts";
import { toRunEvent } from "./run-event.ts";

const NAME = "order.paid";
const DATA = asJsonText('{"sum":7}');
const HOUR_MS = 3_600_000;
// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;

const anEvent = (fields: Partial<PublishRequest> = {}): PublishRequest => ({
  name: NAME,
  data: DATA,
  ...fields,
});

const aSignal = (runId: RunId, fields: Partial<SignalRequest> = {}): SignalRequest => ({
  runId,
  ...anEvent(fields),
});

/** A run that sleeps, of a workflow without code. */
async function startNap(world: NodeWorld, member: Member, napMs = HOUR_MS): Promise<RunId> {
  return world.start(member, await world.install(member, [aWaitStep("nap", napMs)]));
}

/** As a wait of the run sends it by its outbox; whoever sweeps finds it. */
function plantSubscription(
  world: NodeWorld,
  runId: RunId,
  fields: { since: number; key?: string },
): void {
  const { since, key = "paid" } = fields;
  const runShard = shardOf(runId);
  const message: OutboxMessage = {
    id: `${runId}/subscribe/${key}`,
    to: { tenant: DEFAULT_TENANT, shard: shardOfEvent(DEFAULT_TENANT, NAME), runId },
    content: {
      kind: "subscribe",
      event: NAME,
      key,
      runShard,
      since: toTimestamp(since),
      until: null,
    },
  };
  const from = { tenant: DEFAULT_TENANT, shard: runShard, runId };
  world.store.tables.outbox.set(`planted/${message.id}`, { from, message });
  world.store.tables.outbox.commit();
}

const SWEEP_MS = 5_000;

/** A run that waits for the event. */
async function startWaiter(world: NodeWorld, member: Member, key?: string): Promise<RunId> {
  const runId = await startNap(world, member);
  plantSubscription(world, runId, { since: world.now(), ...(key === undefined ? {} : { key }) });
  await world.clock.advance(SWEEP_MS);
  // The courier of runs forgets by sender and id; what was planted has another place.
  world.store.tables.outbox.delete(`planted/${runId}/subscribe/${key ?? "paid"}`);
  world.store.tables.outbox.commit();
  return runId;
}

interface Signalled {
  readonly name: string;
  readonly data: JsonValue;
  readonly step: string | null;
}

/** Signals in the run's journal, in order. */
async function signalsOf({ node }: Member, runId: RunId): Promise<readonly Signalled[]> {
  const found = await node.runs.read(DEFAULT_TENANT, runId);
  const events = (found?.journal ?? []).map((entry, i) => toRunEvent(entry, i + 1));
  return events.flatMap((event) => {
    if (event.type !== "message.received" || event.message.kind !== "signal") return [];
    const { name, data, step } = event.message;
    return [{ name, data: fromJsonText(data), step }];
  });
}

const publish = (
  world: NodeWorld,
  { node }: Member,
  ...requests: readonly PublishRequest[]
): Promise<readonly PublishOutcome[]> =>
  world.clock.run(node.events.publish(DEFAULT_TENANT, requests, ACTOR));

const signal = (
  world: NodeWorld,
  { node }: Member,
  ...requests: readonly SignalRequest[]
): Promise<readonly SignalOutcome[]> =>
  world.clock.run(node.events.signal(DEFAULT_TENANT, requests, ACTOR));

const codesOf = (outcomes: readonly (PublishOutcome | SignalOutcome)[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "rejected" ? outcome.error.code : outcome.kind));

const NOBODY = newRunId(WORLD_START, toShard(9), () => 9);

describe("publishing an event", () => {
  test("gives it an id if it has none, and reaches nobody where nobody waits", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const [first, second] = await publish(world, member, anEvent(), anEvent({ id: "own" }));
    const minted: unknown = expect.stringMatching(/^evt_/);
    expect(first).toEqual({ kind: "published", id: minted, waiters: [] });
    expect(second).toEqual({ kind: "published", id: "own", waiters: [] });
  });

  test("signals every run that waits at once, and leaves nothing on its way", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runs = [await startWaiter(world, member), await startWaiter(world, member, "second")];
    const at = world.now();
    const [outcome] = await publish(world, member, anEvent({ id: "e1" }));
    const waiters = [
      { runId: runs[0], step: "paid" },
      { runId: runs[1], step: "second" },
    ];
    expect(outcome).toEqual({ kind: "published", id: "e1", waiters });
    await world.clock.settle();
    expect(world.now()).toBe(at);
    for (const { runId, step } of waiters) {
      expect(await signalsOf(member, runId ?? NOBODY)).toEqual([
        { name: NAME, data: { sum: 7 }, step },
      ]);
    }
    expect(world.store.tables.outbox.size).toBe(0);
  });

  test("a second time with the same id answers the same and changes nothing", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startWaiter(world, member);
    const first = await publish(world, member, anEvent({ id: "e1" }));
    const again = await publish(world, member, anEvent({ id: "e1", data: asJsonText("8") }));
    expect(again).toEqual(first);
    await world.clock.advance(SWEEP_MS);
    expect(await signalsOf(member, runId)).toHaveLength(1);
  });

  test("before its subscription comes is found by it, which is on its way while it is published", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startNap(world, member);
    const since = world.now();
    await publish(world, member, anEvent({ id: "e1" }), anEvent({ id: "e2" }));
    plantSubscription(world, runId, { since });
    await world.clock.advance(SWEEP_MS);
    expect(await signalsOf(member, runId)).toEqual([
      { name: NAME, data: { sum: 7 }, step: "paid" },
    ]);
  });

  test("whose node dies before it has sent the signals is told by another node", async () => {
    await using world = new NodeWorld();
    const other = await world.open();
    const runId = await startWaiter(world, other);
    let killed = false;
    const dying: Member = await world.open({
      storage: {
        ...world.store,
        commit: async (lane, node, units) => {
          const outcomes = await world.store.commit(lane, node, units);
          if (units.some(({ kind }) => kind === "publish")) {
            killed = true;
            dying.kill();
          }
          return outcomes;
        },
      },
    });
    void dying.node.events.publish(DEFAULT_TENANT, [anEvent()], ACTOR);
    await world.clock.settle();
    expect([killed, await signalsOf(other, runId)]).toEqual([true, []]);
    await world.clock.advance(SWEEP_MS);
    expect(await signalsOf(other, runId)).toHaveLength(1);
  });

  test("to a run that has ended meanwhile is refused there, and forgotten", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startWaiter(world, member);
    await world.cancel(member, runId);
    await world.ended(member, runId);
    const [outcome] = await publish(world, member, anEvent());
    expect(outcome).toMatchObject({ waiters: [{ runId }] });
    await world.clock.settle();
    expect(world.store.tables.outbox.size).toBe(0);
    expect(await member.node.events.waiters(DEFAULT_TENANT, NAME, 10)).toEqual([]);
  });

  test("lists who waits until then, with since and until", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const since = world.now();
    const runId = await startWaiter(world, member);
    const waiters = (limit: number): Promise<unknown> =>
      member.node.events.waiters(DEFAULT_TENANT, NAME, limit);
    expect(await waiters(10)).toEqual([{ runId, key: "paid", since, until: null }]);
    await publish(world, member, anEvent());
    expect(await waiters(10)).toEqual([]);
  });
});

describe("signalling a run", () => {
  test("is heard at once by a node that has the run at work", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { work: gate.work } });
    const runId = await world.start(member, await world.install(member, [aCallStep("work")]));
    await signal(world, member, aSignal(runId));
    await world.clock.settle();
    expect([world.now(), await signalsOf(member, runId)]).toEqual([
      WORLD_START,
      [{ name: NAME, data: { sum: 7 }, step: null }],
    ]);
    gate.open("done");
    expect(await world.ended(member, runId)).toMatchObject({ status: "completed" });
  });

  test("reaches its journal at once, also while it sleeps in the store", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startNap(world, member);
    await world.clock.advance(60_000);
    expect(await signal(world, member, aSignal(runId, { id: "s1" }))).toEqual([
      { kind: "signalled", id: "s1" },
    ]);
    await world.clock.settle();
    expect(await signalsOf(member, runId)).toEqual([{ name: NAME, data: { sum: 7 }, step: null }]);
    expect(await world.ended(member, runId, 2 * HOUR_MS)).toMatchObject({ status: "completed" });
  });

  test("a second time with the same id changes nothing, however much later (fault 50)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startNap(world, member);
    const request = aSignal(runId, { id: "s1" });
    const answers = [{ kind: "signalled", id: "s1" }];
    expect(await signal(world, member, request, request)).toEqual([...answers, ...answers]);
    await world.clock.advance(HOUR_MS / 2);
    expect(await signal(world, member, request)).toEqual(answers);
    await world.clock.advance(SWEEP_MS);
    expect(await signalsOf(member, runId)).toHaveLength(1);
  });

  test("thousands of times in one batch arrives in order", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startNap(world, member);
    const numbers = Array.from({ length: 2_000 }, (_, i) => i);
    const batch = numbers.map((n) => aSignal(runId, { data: asJsonText(String(n)) }));
    expect(new Set(codesOf(await signal(world, member, ...batch)))).toEqual(new Set(["signalled"]));
    await world.clock.settle();
    expect((await signalsOf(member, runId)).map(({ data }) => data)).toEqual(numbers);
  });

  test("one after the other arrives in order, whether the run resides here or sleeps in between", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startNap(world, member, 100 * HOUR_MS);
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    for (const n of numbers) {
      await signal(world, member, aSignal(runId, { data: asJsonText(String(n)) }));
      if (n % 3 === 0) await world.clock.advance(60_000);
    }
    await world.clock.settle();
    expect((await signalsOf(member, runId)).map(({ data }) => data)).toEqual(numbers);
  });

  test("that has ended, is another tenant's or never was is refused, and the others of the batch are not (fault 50)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const [live, ended] = [await startNap(world, member), await startNap(world, member, 1_000)];
    await world.ended(member, ended);
    const requests = [ended, NOBODY, live].map((runId) => aSignal(runId));
    const codes = codesOf(await signal(world, member, ...requests));
    expect(codes).toEqual(["run.finished", "run.not-found", "signalled"]);
    const theirs = member.node.events.signal(OTHER, [aSignal(live)], ACTOR);
    expect(codesOf(await world.clock.run(theirs))).toEqual(["run.not-found"]);
  });
});

describe("a batch of both", () => {
  test("tells of each item which runs it was delivered to, each run once", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const waiter = await startWaiter(world, member);
    plantSubscription(world, waiter, { since: world.now(), key: "paid#2" });
    await world.clock.advance(SWEEP_MS);
    const napping = await startNap(world, member);
    const outcomes = await world.clock.run(
      member.node.events.notify(
        DEFAULT_TENANT,
        [anEvent({ id: "e1" }), aSignal(napping, { id: "s1" }), aSignal(NOBODY)],
        ACTOR,
      ),
    );
    expect(outcomes).toMatchObject([
      { kind: "notified", id: "e1", runIds: [waiter] },
      { kind: "notified", id: "s1", runIds: [napping] },
      { kind: "rejected", error: { code: "run.not-found" } },
    ]);
    expect(outcomes[0]).toMatchObject({ runIds: { length: 1 } });
  });
});

describe("an event or signal", () => {
  test("that is no JSON, too large or badly named is refused by itself, and says where", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ limits: { payloadBytes: 10 } });
    const runId = await startNap(world, member);
    const bad: readonly Partial<PublishRequest>[] = [
      { name: "" },
      { name: "x".repeat(256) },
      { name: "a\nb" },
      { name: "\ud800" },
      { id: "" },
      { data: asJsonText("{") },
      { data: asJsonText("\uFEFF1") },
      { data: asJsonText(`"${"ü".repeat(5)}"`) },
      { data: asJsonText('"12345678"') },
    ];
    const published = await publish(world, member, ...bad.map((fields) => anEvent(fields)));
    const signalled = await signal(world, member, ...bad.map((fields) => aSignal(runId, fields)));
    const codes = [...bad.slice(0, 7).map(() => "request.invalid"), "payload.too-large"];
    expect(codesOf(published)).toEqual([...codes, "published"]);
    expect(codesOf(signalled)).toEqual([...codes, "signalled"]);
    expect(published[5]).toMatchObject({ error: { issues: [{ path: ["data"] }] } });
  });

  test("is neither audited nor logged", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startWaiter(world, member);
    const before = world.store.tables.audit.size;
    const data = asJsonText('"hush"');
    await publish(world, member, anEvent({ data }));
    await signal(world, member, aSignal(runId, { data }), aSignal(NOBODY, { data }));
    await world.clock.advance(SWEEP_MS);
    expect(world.store.tables.audit.size).toBe(before);
    expect(JSON.stringify(member.logged)).not.toContain("hush");
  });

  test("is refused by a node that has stopped", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await startNap(world, member);
    await member.stop();
    expect(codesOf(await publish(world, member, anEvent()))).toEqual(["engine.stopping"]);
    expect(codesOf(await signal(world, member, aSignal(runId)))).toEqual(["engine.stopping"]);
  });
});
