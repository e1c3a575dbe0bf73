// A disk that is full, and one that fails. What was acknowledged is there, what was refused can be repeated.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BodyLog } from "./body-log.ts";
import { runIdOf, type Client } from "./client.ts";
import { TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { fillDisk, freeDisk } from "./store-faults.ts";
import type { Server } from "./server.ts";
import { skipWithoutStrace } from "./strace.ts";
import { define, fn } from "./workload.ts";
import { openWorld, type World } from "./world.ts";

const SUCCEED = define("wf_succeed", [fn("a", "succeed"), fn("b", "succeed")]);

interface Sent {
  /** Run ids by key. */
  readonly accepted: ReadonlyMap<string, string>;
  /** `<status> <reason>` of the others, in order. */
  readonly refused: readonly string[];
}

/** Sends starts one after the other, until `enough`. */
async function send(client: Client, input: object, enough: (sent: Sent) => boolean): Promise<Sent> {
  const accepted = new Map<string, string>();
  const refused: string[] = [];
  for (let i = 0; i < MOST_STARTS && !enough({ accepted, refused }); i++) {
    const answer = await client.start(SUCCEED.id, input, `key-${i}`);
    if (answer.status === 201) accepted.set(`key-${i}`, runIdOf(answer));
    else refused.push(`${answer.status} ${answer.reason}`);
  }
  return { accepted, refused };
}

const MOST_STARTS = 500;

/** A new server on the same data: nothing acknowledged is lost, and what is repeated is there once. */
async function checkAfterRestart(world: World, { accepted, refused }: Sent): Promise<void> {
  const { client, stop } = await world.start();
  const repeated = new Map<string, string>();
  for (let i = 0; i < accepted.size + refused.length; i++) {
    const key = `key-${i}`;
    repeated.set(key, runIdOf(await client.start(SUCCEED.id, {}, key)));
  }
  expect([...accepted].map(([key]) => [key, repeated.get(key)])).toEqual([...accepted]);
  const runs = await Promise.all([...repeated.values()].map((runId) => client.ended(runId)));
  expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(["completed"]));
  expect(await client.list()).toHaveLength(repeated.size);
  expect(await stop()).toEqual({ code: 0, signal: null });
}

/** The server's second start: it begins with few writes, so that the fault meets the starts that are sent. */
async function startAgain(world: World, under: readonly string[]): Promise<Server> {
  const first = await world.start();
  await first.client.install(SUCCEED);
  await first.stop();
  return world.start({ under });
}

/** Lets system calls on the write-ahead log fail. */
function inject(world: World, fault: string): readonly string[] {
  const trace = join(world.folder, "trace");
  return ["strace", "-f", "-o", trace, "-P", `${world.store}-wal`, "-e", `inject=${fault}`];
}

describe("a full disk", { timeout: TEST_TIMEOUT_MS }, () => {
  test("refuses starts, holds runs up, and lets both go on when there is space again (fault 25)", async () => {
    await using world = await openWorld();
    const { client, stop } = await world.start();
    const bodies = new BodyLog(world.folder);
    await client.install(define("wf_held", [fn("a", "untilThere"), fn("b", "untilThere")]));
    const held = runIdOf(await client.start("wf_held", { file: "go" }));
    await bodies.began(held, "a");

    fillDisk(world.store);
    const refused = await client.start("wf_held", { file: "go" }, "key");
    expect([refused.status, refused.reason]).toEqual([503, "storage.full"]);
    expect(refused.message).toContain("no space left");
    // Its result finds no space either; starts are refused all the same while it waits.
    await writeFile(join(world.folder, "go"), "");
    await waitFor("a result that waits for space", async () =>
      (await client.metric("millrace_queued_units")) > 0 ? true : undefined,
    );
    for (let i = 0; i < 3; i++) {
      expect((await client.start("wf_held", { file: "go" }, "key")).reason).toBe("storage.full");
    }
    const { data: health } = await client.health();
    expect(health).toMatchObject({ status: "ready", reason: refused.message });
    expect(bodies.stepsOf(held)).toEqual(["a"]);

    freeDisk(world.store);
    expect(await client.ended(held)).toMatchObject({ status: "completed" });
    expect(bodies.stepsOf(held)).toEqual(["a", "b"]);
    const accepted = await client.start("wf_held", { file: "go" }, "key");
    expect(accepted.status).toBe(201);
    expect(await client.ended(runIdOf(accepted))).toMatchObject({ status: "completed" });
    expect(await client.list()).toHaveLength(2);
    expect((await client.health()).data).toMatchObject({ status: "ready", reason: null });
    expect(await stop()).toEqual({ code: 0, signal: null });
  });

  test("at the write of a commit is no success, and passes", async (context) => {
    skipWithoutStrace(context);
    await using world = await openWorld();
    const fault = "pwrite64:error=ENOSPC:when=60..67";
    const { client, stop } = await startAgain(world, inject(world, fault));
    const sent = await send(
      client,
      {},
      ({ accepted, refused }) => refused.length > 0 && accepted.size > 20,
    );
    expect(new Set(sent.refused)).toEqual(new Set(["503 storage.full"]));
    expect(await stop()).toEqual({ code: 0, signal: null });
    await checkAfterRestart(world, sent);
  });
});

/** The largest file that the server may write; the system refuses what goes beyond. 512 or 1,024 bytes a block. */
const UNDER_LIMIT = ["/bin/sh", "-c", 'ulimit -f 8192; exec "$0" "$@"'];

describe("a disk that fails", { timeout: TEST_TIMEOUT_MS }, () => {
  test.for([
    ["a sync of the log fails", "fsync,fdatasync:error=EIO:when=25+"],
    ["a write of the log fails", "pwrite64:error=EIO:when=60+"],
    ["the log may not grow", null],
  ] as const)(
    "stops the node for good when %s: no start is accepted any more (fault 26)",
    async ([, fault], context) => {
      if (fault !== null) skipWithoutStrace(context);
      await using world = await openWorld();
      const under = fault === null ? UNDER_LIMIT : inject(world, fault);
      const { client, url, stop } = await startAgain(world, under);
      // Large enough for the limit to be met soon.
      const input = fault === null ? { text: "x".repeat(100_000) } : {};
      const sent = await send(client, input, ({ refused }) => refused.length === 5);
      expect(new Set(sent.refused)).toEqual(new Set(["503 storage.failed"]));
      expect(sent.accepted.size).toBeGreaterThan(0);
      expect((await client.health()).data).toMatchObject({ status: "failed" });
      expect((await fetch(`${url}/health/live`)).status).toBe(503);
      expect((await fetch(`${url}/health/ready`)).status).toBe(503);
      expect((await stop()).code).toBe(1);
      await checkAfterRestart(world, sent);
    },
  );

  test("is told of by health though nobody starts anything", async (context) => {
    skipWithoutStrace(context);
    await using world = await openWorld();
    const fault = "fsync,fdatasync:error=EIO:when=25+";
    const { client, stop } = await startAgain(world, inject(world, fault));
    // Definitions are written past the queue of runs.
    const refused = await waitFor("a definition that is refused", async () => {
      const answer = await client.send("POST", "/api/v1/workflows", {
        name: "x",
        steps: [fn("a", "succeed")],
      });
      return answer.status === 201 ? undefined : answer;
    });
    expect([refused.status, refused.reason]).toEqual([503, "storage.failed"]);
    await waitFor("a health that says so", async () =>
      (await client.health()).status === 503 ? true : undefined,
    );
    expect((await stop()).code).toBe(1);
  });
});
