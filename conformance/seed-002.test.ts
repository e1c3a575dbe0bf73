// What the samples of seed 002 do (trigger, cancel, notify, waiters), by their numbers, with our own client.
//
// The samples themselves, which name workflows by URLs, are run by the door of their client, which is not here yet.
import { workflow } from "@millrace/sdk";
import {
  createClient,
  RunCancelledError,
  type CancelFilter,
  type Client,
} from "@millrace/sdk/client";
import { describe, expect, test } from "vitest";
import { openListeningServer } from "./open-listening-server.ts";
import { WAYS } from "./native-world.ts";

const echo = workflow("echo", {}, (ctx, input: unknown) => ctx.run("echo", () => input));

const waiting = workflow("waiting", {}, async (ctx) => {
  const eventData = await ctx.waitForEvent("wait", { event: "my-event-id", timeout: "1 day" });
  return { eventData };
});

/** It is told of no event before it waits. */
async function untilWaiting(client: Client, count: number): Promise<void> {
  while ((await client.getWaiters({ eventId: "my-event-id" })).length < count);
}

async function startWaiting(client: Client, count: number): Promise<readonly string[]> {
  const items = Array.from({ length: count }, () => ({ input: {} }));
  const outcomes = await client.startMany(waiting, items);
  await untilWaiting(client, count);
  return outcomes.map((outcome) => (outcome.kind === "rejected" ? "" : outcome.run.id));
}

const endOf = (client: Client, id: string): Promise<unknown> =>
  client
    .run(id)
    .result()
    .catch((error: unknown) => (RunCancelledError.is(error) ? "cancelled" : error));

describe.for([...WAYS])("seed 002 %s", { timeout: 60_000 }, ([way, open]) => {
  test(`002-1: trigger starts a run with a body, and gives its id (${way})`, async () => {
    await using world = await open();
    await world.work([echo]);
    const run = await world.client.start(echo, "hello there!");
    expect(run.id).toMatch(/^run_/);
    expect(await run.result()).toBe("hello there!");
  });

  test(`002-1: a key of the caller's makes repeats the same run (${way})`, async () => {
    await using world = await open();
    await world.work([echo]);
    const options = { idempotencyKey: "my-workflow" };
    const first = await world.client.start(echo, "hello there!", options);
    const again = await world.client.start(echo, "hello there!", options);
    expect(again.id).toBe(first.id);
  });

  test(`002-1: a run id of the caller's finds its run (${way})`, async () => {
    await using world = await open();
    await world.work([echo]);
    const run = await world.client.start(echo, "hello there!", { runId: "my-workflow" });
    expect(await world.client.run("my-workflow").result()).toEqual(await run.result());
  });

  test(`002-2: cancel takes the id of one run (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    const [one = "", other = ""] = await startWaiting(world.client, 2);
    expect(await world.client.cancel({ ids: [one] })).toEqual({ count: 1 });
    expect(await endOf(world.client, one)).toBe("cancelled");
    expect(await world.client.run(other).status()).toBe("running");
  });

  test(`002-2: cancel takes a set of ids (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    const ids = await startWaiting(world.client, 3);
    expect(await world.client.cancel({ ids: ids.slice(0, 2) })).toEqual({ count: 2 });
    const ended = await Promise.all(ids.slice(0, 2).map((id) => endOf(world.client, id)));
    expect(ended).toEqual(["cancelled", "cancelled"]);
    // They have ended, so there is nobody to be asked.
    expect(await world.client.cancel({ ids: ids.slice(0, 2) })).toEqual({ count: 0 });
    expect(await world.client.run(ids[2] ?? "").status()).toBe("running");
  });

  test(`002-3: in place of a URL, cancel takes the name of a workflow (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    const ids = await startWaiting(world.client, 2);
    expect(await world.client.cancel({ workflow: "waiting" })).toEqual({ count: 2 });
    const ended = await Promise.all(ids.map((id) => endOf(world.client, id)));
    expect(ended).toEqual(["cancelled", "cancelled"]);
  });

  test(`002-3: the beginning of a URL is refused: it comes with the door of that client (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    const [id = ""] = await startWaiting(world.client, 1);
    // As JavaScript would say it.
    const filter = { urlStartingWith: "https://your-endpoint.com" } as CancelFilter;
    const refused = world.client.cancel(filter);
    await expect(refused).rejects.toMatchObject({ code: "request.invalid" });
    expect(await world.client.run(id).status()).toBe("running");
  });

  test(`002-4: cancel takes all runs that are pending or running (${way})`, async () => {
    await using world = await open();
    await world.work([waiting, echo]);
    const ended = await world.client.start(echo, 1);
    await ended.result();
    const ids = await startWaiting(world.client, 3);
    const later = await world.client.start(echo, 2, { delay: "1 day" });
    expect(await world.client.cancel({ all: true })).toEqual({ count: 4 });
    for (const id of [...ids, later.id]) expect(await endOf(world.client, id)).toBe("cancelled");
    expect(await ended.status()).toBe("completed");
  });

  test(`002-5: notify gives its data to every run that waits for the event (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    const ids = await startWaiting(world.client, 2);
    const told = await world.client.notify({ eventId: "my-event-id", eventData: "my-data" });
    expect(told.runIds.toSorted()).toEqual(ids.toSorted());
    for (const id of ids) expect(await endOf(world.client, id)).toEqual({ eventData: "my-data" });
  });

  test(`002-5: notify for one run leaves the others waiting (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    const [one = "", other = ""] = await startWaiting(world.client, 2);
    const eventData = { for: one };
    await world.client.notify({ eventId: "my-event-id", eventData, workflowRunId: one });
    expect(await endOf(world.client, one)).toEqual({ eventData });
    expect(await world.client.run(other).status()).toBe("running");
  });

  test(`002-5: notify of an event that nobody waits for reaches nobody (${way})`, async () => {
    await using world = await open();
    expect((await world.client.notify({ eventId: "my-event-id" })).runIds).toEqual([]);
  });

  test(`002-6: getWaiters lists who waits for an event, and since when (${way})`, async () => {
    await using world = await open();
    await world.work([waiting]);
    expect(await world.client.getWaiters({ eventId: "my-event-id" })).toEqual([]);
    const ids = await startWaiting(world.client, 2);
    const waiters = await world.client.getWaiters({ eventId: "my-event-id" });
    expect(waiters.map(({ runId }) => runId).toSorted()).toEqual(ids.toSorted());
    for (const { step, since, until } of waiters)
      expect([step, Number(until) - since]).toEqual(["wait", 86_400_000]);
  });
});

describe("seed 002", { timeout: 60_000 }, () => {
  test("002-1: the request of a trigger is repeated when its answer is lost, and starts one run", async () => {
    await using here = await openListeningServer();
    const steps = [{ id: "say", type: "transform", config: { mapping: { said: "hello" } } }];
    await here.server.install({ name: "Say", steps });
    let lostCount = 2;
    const losing: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (lostCount-- > 0) throw new TypeError("fetch failed");
      return answer;
    };
    const client = createClient({ url: here.url, key: here.server.key, fetch: losing });
    const run = await client.start("say", {});
    expect(await run.result()).toMatchObject({});
    expect((await client.runs.list().page()).items.map(({ id }) => id)).toEqual([run.id]);
    await client.close();
  });
});
