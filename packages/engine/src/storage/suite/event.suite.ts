import {
  after,
  asJsonText,
  DEFAULT_TENANT,
  shardOfEvent,
  toTimestamp,
  type TenantId,
  type Timestamp,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { senderOf, toSignals } from "../event-signals.ts";
import type {
  Answers,
  PublishedEvent,
  PublishUnit,
  ReachedWaiter,
  RunHead,
  SubscribeUnit,
  UnsubscribeUnit,
} from "../storage.ts";
import { aRun, aRunUnit, refOf, T0 } from "./builders.ts";
import { type Harness, messageOf, only, type OpenStorage, OTHER_TENANT } from "./harness.ts";

const NAME = "order.paid";
const DAY_MS = 86_400_000;

function anEvent(fields: Partial<PublishedEvent> = {}): PublishedEvent {
  return { id: "e1", name: NAME, data: asJsonText('{"sum":7}'), publishedAt: T0, ...fields };
}

function aPublish(
  fields: Partial<PublishedEvent> = {},
  { tenant = DEFAULT_TENANT, expiresAt = after(T0, DAY_MS) }: Partial<PublishUnit> = {},
): PublishUnit {
  const event = anEvent(fields);
  return { kind: "publish", tenant, shard: shardOfEvent(tenant, event.name), event, expiresAt };
}

function aSubscribe(run: RunHead, fields: Partial<SubscribeUnit> = {}): SubscribeUnit {
  const { event = NAME } = fields;
  return {
    kind: "subscribe",
    run: refOf(run),
    shard: shardOfEvent(run.tenant, event),
    event,
    key: "paid",
    since: T0,
    until: null,
    expiresAt: after(T0, DAY_MS),
    ...fields,
  };
}

function anUnsubscribe(run: RunHead, fields: Partial<UnsubscribeUnit> = {}): UnsubscribeUnit {
  return {
    kind: "unsubscribe",
    tenant: run.tenant,
    runId: run.id,
    shard: shardOfEvent(run.tenant, NAME),
    event: NAME,
    key: "paid",
    expiresAt: after(T0, DAY_MS),
    ...fields,
  };
}

const waiterOf = ({ id: runId, shard }: RunHead, key = "paid"): ReachedWaiter => ({
  runId,
  shard,
  key,
});

const published = (waiters: readonly ReachedWaiter[], fields: Partial<PublishedEvent> = {}) =>
  ({ kind: "published", event: anEvent(fields), waiters }) as const;
const found = (fields: Partial<PublishedEvent> = {}) =>
  ({ kind: "subscribed", found: anEvent(fields) }) as const;
const WAITS = { kind: "subscribed", found: null } as const;

const readOutbox = (h: Harness): Promise<Answers["outbox"]> =>
  h.storage.read({ kind: "outbox", limit: 10_000 });

/** As the outbox shows the signals of one event. */
function sentTo(
  waiters: readonly ReachedWaiter[],
  fields: Partial<PublishedEvent> = {},
  tenant: TenantId = DEFAULT_TENANT,
): Answers["outbox"] {
  const event = anEvent(fields);
  const from = senderOf({ tenant, shard: shardOfEvent(tenant, event.name), name: event.name });
  return toSignals(tenant, event, waiters).map((message) => ({ from, message }));
}

const readWaiters = (
  h: Harness,
  limit = 10,
  tenant = DEFAULT_TENANT,
): Promise<Answers["waiters"]> => h.storage.read({ kind: "waiters", tenant, event: NAME, limit });

/** A moment later. */
function pass(h: Harness, ms = 1): Timestamp {
  h.clock.advance(ms);
  return h.clock.now();
}

export function eventSuite(open: OpenStorage): void {
  describe("publish", () => {
    test("reaches nobody where nobody waits", async () => {
      await using h = await open();
      expect(await h.commit(aPublish())).toEqual([published([])]);
      expect(await readOutbox(h)).toEqual([]);
    });

    test("puts a signal for every operation that waits into the outbox, by since, run and key", async () => {
      await using h = await open();
      const [one, two, first] = [aRun(), aRun(), aRun()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
      if (one === undefined || two === undefined || first === undefined) throw new Error("three");
      const key = "paid#2";
      await h.commit(aSubscribe(two), aSubscribe(one, { key }), aSubscribe(one));
      await h.commit(aSubscribe(first, { since: toTimestamp(T0 - 1) }));
      const waiters = [waiterOf(first), waiterOf(one), waiterOf(one, key), waiterOf(two)];
      expect(await h.commit(aPublish(), aPublish())).toEqual([
        published(waiters),
        published(waiters),
      ]);
      expect(await readOutbox(h)).toEqual(sentTo(waiters));
      const signal = { kind: "signal", name: NAME, data: '{"sum":7}', key: "paid" };
      expect(messageOf((await readOutbox(h))[1])).toEqual({
        id: `e1/${one.id}/paid`,
        to: refOf(one),
        content: { kind: "message", message: { id: `e1/${one.id}/paid`, body: signal } },
      });
    });

    test("ends the subscriptions that it took: the next event reaches nobody", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aSubscribe(run));
      const [first, second] = await h.commit(aPublish(), aPublish({ id: "e2" }));
      expect([first, second]).toEqual([published([waiterOf(run)]), published([], { id: "e2" })]);
      expect(await readWaiters(h)).toEqual([]);
    });

    test("of a repeat answers as the first time, with what was stored then, and writes nothing", async () => {
      await using h = await open();
      const [run, late] = [aRun(), aRun()];
      await h.commit(aSubscribe(run));
      const first = await h.commit(aPublish());
      await h.commit(aSubscribe(late, { since: after(T0, 1) }));
      const publishedAt = pass(h);
      const again = aPublish({ data: asJsonText('"other"'), publishedAt });
      expect(await h.commit(again, again)).toEqual([...first, ...first]);
      expect(await readOutbox(h)).toHaveLength(1);
      expect(await readWaiters(h)).toHaveLength(1);
    });

    test("of a repeat does not name those who came later and looked back", async () => {
      await using h = await open();
      const [run, late] = [aRun(), aRun()];
      await h.commit(aSubscribe(run), aPublish(), aSubscribe(late));
      expect(await h.commit(aPublish())).toEqual([published([waiterOf(run)])]);
    });

    test("of two and a subscription in one commit happens in their order", async () => {
      await using h = await open();
      const run = aRun();
      const since = after(T0, 1);
      const units = [aPublish(), aSubscribe(run, { since }), aPublish({ id: "e2" })];
      const answers = [published([]), WAITS, published([waiterOf(run)], { id: "e2" })];
      expect(await h.commit(...units)).toEqual(answers);
      // The answer was lost, and all are sent again.
      expect(await h.commit(...units)).toEqual([answers[0], found({ id: "e2" }), answers[2]]);
      expect(await readOutbox(h)).toEqual(sentTo([waiterOf(run)], { id: "e2" }));
    });

    test("passes over an operation whose time is up", async () => {
      await using h = await open();
      const [over, open_] = [aRun(), aRun()];
      const until = after(T0, 5);
      await h.commit(aSubscribe(over, { until }), aSubscribe(open_, { until: after(T0, 6) }));
      const publishedAt = pass(h, 5);
      expect(await readWaiters(h)).toHaveLength(1);
      const fields = { publishedAt };
      expect(await h.commit(aPublish(fields))).toEqual([published([waiterOf(open_)], fields)]);
    });

    test("counts as published when it is stored, unless its own time is later", async () => {
      await using h = await open();
      const now = pass(h, 10);
      const [early, later] = [aPublish(), aPublish({ id: "e2", publishedAt: after(now, 3) })];
      expect(await h.commit(early, later)).toEqual([
        published([], { publishedAt: now }),
        published([], { id: "e2", publishedAt: after(now, 3) }),
      ]);
    });

    test("reaches a thousand that wait, each once", async () => {
      await using h = await open();
      const runs = Array.from({ length: 1000 }, () => aRun());
      await h.commit(...runs.map((run) => aSubscribe(run)));
      const waiters = runs
        .map((run) => waiterOf(run))
        .toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
      expect(await h.commit(aPublish(), aPublish())).toEqual([
        published(waiters),
        published(waiters),
      ]);
      expect(await readOutbox(h)).toEqual(sentTo(waiters));
    });

    test("keeps names apart, and tenants", async () => {
      await using h = await open();
      const [run, named, theirs] = [aRun(), aRun(), aRun({ tenant: OTHER_TENANT })];
      await h.commit(aSubscribe(run), aSubscribe(named, { event: "other" }), aSubscribe(theirs));
      expect(await h.commit(aPublish())).toEqual([published([waiterOf(run)])]);
      const other = aPublish({}, { tenant: OTHER_TENANT });
      expect(await h.commit(other)).toEqual([published([waiterOf(theirs)])]);
      const otherName = { name: "other" };
      expect(await h.commit(aPublish(otherName))).toEqual([
        published([waiterOf(named)], otherName),
      ]);
      expect(await readOutbox(h)).toEqual([
        ...sentTo([waiterOf(run)]),
        ...sentTo([waiterOf(theirs)], {}, OTHER_TENANT),
        ...sentTo([waiterOf(named)], otherName),
      ]);
    });
  });

  describe("subscribe", () => {
    test("finds what was published since, at once, the oldest first", async () => {
      await using h = await open();
      const run = aRun();
      for (const id of ["z", "y", "x"]) await h.commit(aPublish({ id, publishedAt: T0 }));
      const publishedAt = pass(h);
      await h.commit(aPublish({ id: "a", publishedAt }));
      const got: unknown[] = [];
      for (const key of ["1", "2", "3", "4", "5"]) {
        got.push(only(await h.commit(aSubscribe(run, { key }))));
      }
      const ids = ["z", "y", "x"].map((id) => found({ id }));
      expect(got).toEqual([...ids, found({ id: "a", publishedAt }), WAITS]);
      expect((await readOutbox(h)).map((row) => messageOf(row).id)).toEqual([
        `z/${run.id}/1`,
        `y/${run.id}/2`,
        `x/${run.id}/3`,
        `a/${run.id}/4`,
      ]);
    });

    test("does not find what was published before, nor what this run has had", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aSubscribe(run, { key: "first" }), aPublish());
      expect(await h.commit(aSubscribe(run, { key: "second" }))).toEqual([WAITS]);
      const since = after(T0, 1);
      expect(await h.commit(aSubscribe(aRun(), { since }))).toEqual([WAITS]);
      expect(await h.commit(aSubscribe(aRun()))).toEqual([found()]);
    });

    test("finds what came while it was on its way, also when its time is up meanwhile (fault 52)", async () => {
      await using h = await open();
      await h.commit(aPublish());
      const publishedAt = pass(h, 5);
      await h.commit(aPublish({ id: "e2", publishedAt }));
      const [run, late] = [aRun(), aRun()];
      expect(await h.commit(aSubscribe(run, { until: after(T0, 2) }))).toEqual([found()]);
      const passed = { since: after(T0, 1), until: after(T0, 5) };
      expect(await h.commit(aSubscribe(late, passed))).toEqual([WAITS]);
      expect(await readWaiters(h)).toEqual([]);
    });

    test("of a repeat subscribes once, whatever came in between", async () => {
      await using h = await open();
      const [run, waiting] = [aRun(), aRun()];
      await h.commit(aPublish());
      const unit = aSubscribe(run);
      expect(await h.commit(unit, unit)).toEqual([found(), found()]);
      await h.commit(aSubscribe(waiting, { since: after(T0, 1) }));
      expect(await h.commit(aSubscribe(waiting, { since: after(T0, 1) }))).toEqual([WAITS]);
      const second = await h.commit(aPublish({ id: "e2" }));
      expect(second).toEqual([published([waiterOf(waiting)], { id: "e2" })]);
      expect(await h.commit(unit, aSubscribe(waiting))).toEqual([found(), found({ id: "e2" })]);
      expect(await h.commit(aPublish({ id: "e3" }))).toEqual([published([], { id: "e3" })]);
      expect(await readOutbox(h)).toHaveLength(2);
    });

    test("is listed with since and until, the earliest first, up to the limit, of one tenant", async () => {
      await using h = await open();
      const runs = [aRun(), aRun()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const until = after(T0, 50);
      const [one, two] = runs;
      if (one === undefined || two === undefined) throw new Error("two runs");
      await h.commit(
        aSubscribe(two, { until }),
        aSubscribe(one, { key: "a", since: after(T0, 3) }),
        aSubscribe(one, { key: "b" }),
        aSubscribe(aRun({ tenant: OTHER_TENANT })),
        aSubscribe(aRun(), { event: "other" }),
      );
      const all = [
        { runId: one.id, key: "b", since: T0, until: null },
        { runId: two.id, key: "paid", since: T0, until },
        { runId: one.id, key: "a", since: after(T0, 3), until: null },
      ];
      expect(await readWaiters(h)).toEqual(all);
      expect(await readWaiters(h, 2)).toEqual(all.slice(0, 2));
    });
  });

  describe("unsubscribe", () => {
    test("ends a subscription, of that operation alone; to end it twice is no harm", async () => {
      await using h = await open();
      const run = aRun();
      const key = "paid#2";
      await h.commit(aSubscribe(run), aSubscribe(run, { key }));
      const unit = anUnsubscribe(run);
      expect(await h.commit(unit, unit)).toEqual([{ kind: "done" }, { kind: "done" }]);
      expect(await h.commit(aPublish())).toEqual([published([waiterOf(run, key)])]);
    });

    test("that comes first makes a late subscription do nothing", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aPublish(), anUnsubscribe(run));
      expect(await h.commit(aSubscribe(run))).toEqual([WAITS]);
      expect(await readWaiters(h)).toEqual([]);
      expect(await h.commit(aPublish({ id: "e2" }))).toEqual([published([], { id: "e2" })]);
      expect(await readOutbox(h)).toEqual([]);
    });

    test("of one that has got its event leaves a repeat of it answered as before", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aSubscribe(run), aPublish(), anUnsubscribe(run));
      expect(await h.commit(aSubscribe(run))).toEqual([found()]);
    });
  });

  describe("reap of events", () => {
    test("forgets an event that has expired, and keeps others and those who wait without end", async () => {
      await using h = await open();
      const [had, waiting] = [aRun(), aRun()];
      const expiresAt = after(T0, 10);
      await h.commit(aSubscribe(had, { expiresAt }), aPublish({}, { expiresAt }));
      await h.commit(aPublish({ id: "e2" }, { expiresAt: after(T0, 11) }));
      await h.commit(aSubscribe(waiting, { event: "other" }));
      pass(h, 10);
      await h.beat();
      await h.storage.reap();
      expect(await h.commit(aSubscribe(aRun()))).toEqual([found({ id: "e2" })]);
      // What it was published with is gone, so this is a new one, and who had the old one may have it.
      const fields = { publishedAt: h.clock.now() };
      expect(await h.commit(aPublish(fields))).toEqual([published([], fields)]);
      const again = aSubscribe(had, { key: "again", since: h.clock.now() });
      expect(await h.commit(again)).toEqual([found(fields)]);
      const asked = { kind: "waiters", tenant: DEFAULT_TENANT, event: "other", limit: 1 } as const;
      expect(await h.storage.read(asked)).toHaveLength(1);
    });

    test("does not find an event that has expired, before any pass", async () => {
      await using h = await open();
      await h.commit(aPublish({}, { expiresAt: after(T0, 10) }));
      pass(h, 10);
      expect(await h.commit(aSubscribe(aRun()))).toEqual([WAITS]);
    });

    test("leaves signals that are on their way", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aSubscribe(run), aPublish({}, { expiresAt: after(T0, 1) }));
      pass(h);
      await h.beat();
      await h.storage.reap();
      expect(await readOutbox(h)).toEqual(sentTo([waiterOf(run)]));
    });
  });

  test("gives back what runs have sent to an event's key as it was sent", async () => {
    await using h = await open();
    const held = only(await h.seedHeld([aRun()]));
    const to = { ...refOf(held.run), shard: shardOfEvent(DEFAULT_TENANT, NAME) };
    const { shard: runShard } = held.run;
    const key = "paid";
    const outbox = [
      {
        id: "1",
        to,
        content: { kind: "subscribe", event: NAME, key, runShard, since: T0, until: null },
      },
      { id: "2", to, content: { kind: "unsubscribe", event: NAME, key } },
      { id: "3", to, content: { kind: "publish", event: anEvent() } },
    ] as const;
    await h.commit(aRunUnit(held, { outbox }));
    const from = refOf(held.run);
    expect(await readOutbox(h)).toEqual(outbox.map((message) => ({ from, message })));
  });
}
