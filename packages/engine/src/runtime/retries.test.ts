import { DEFAULT_TENANT, type Run, type RunId, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  ACTOR,
  aCallStep,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  type Member,
} from "../testkit/node-world.ts";
import type { StartOutcome } from "./commands.ts";
import type { RetryRequest } from "./run-commands.ts";

const OTHER = "other" as TenantId;

async function retry(
  world: NodeWorld,
  { node }: Member,
  runId: RunId,
  more: Partial<RetryRequest> = {},
): Promise<StartOutcome> {
  const request = { tenant: DEFAULT_TENANT, runId, actor: ACTOR, ...more };
  const [outcome] = await world.clock.run(node.runs.retry([request]));
  if (outcome === undefined) throw new Error("no outcome");
  return outcome;
}

const createdOf = (outcome: StartOutcome): RunId => {
  if (outcome.kind !== "created") throw new Error(`not created: ${JSON.stringify(outcome)}`);
  return outcome.runId;
};

const codeOf = (outcome: StartOutcome): string =>
  outcome.kind === "rejected" ? outcome.error.code : outcome.kind;

const attemptsOf = ({ steps }: Run): Record<string, number> =>
  Object.fromEntries(steps.map(({ key, attempts }) => [key, attempts.length]));

/** A workflow of three steps, of which `charge` fails until it is told to succeed. */
async function openShop(): Promise<{
  readonly world: NodeWorld;
  readonly member: Member;
  readonly workflow: string;
  readonly calls: string[];
  mend(): void;
}> {
  const world = new NodeWorld();
  const calls: string[] = [];
  let isBroken = true;
  const member = await world.open({
    functions: {
      reserve: () => void calls.push("reserve"),
      charge: () => {
        calls.push("charge");
        if (isBroken) throw new Error("the card was declined");
        return { charged: true };
      },
      ship: () => void calls.push("ship"),
    },
  });
  const steps = ["reserve", "charge", "ship"].map((id) => aCallStep(id));
  const workflow = await world.install(member, [
    ...steps.slice(0, 1),
    aWaitStep("pause", 10),
    ...steps.slice(1),
  ]);
  return { world, member, workflow, calls, mend: () => (isBroken = false) };
}

describe("retry of a run", () => {
  test("goes on with the step that failed, and leaves the old run as it was (fault 59)", async () => {
    const { world, member, workflow, calls, mend } = await openShop();
    await using _ = world;
    const old = await world.start(member, workflow, { user: "ada", metadata: { order: "7" } });
    const failed = await world.ended(member, old);
    mend();
    const id = createdOf(await retry(world, member, old));
    const run = await world.ended(member, id);
    expect(run).toMatchObject({
      status: "completed",
      retryOf: old,
      user: "ada",
      metadata: { order: "7" },
      trigger: "manual",
    });
    expect(calls).toEqual(["reserve", "charge", "charge", "ship"]);
    expect(attemptsOf(run)).toMatchObject({ reserve: 1, charge: 1, ship: 1 });
    expect(await world.get(member, old)).toEqual(failed);
    const audit = (await member.node.listAudit(DEFAULT_TENANT, 1)).rows;
    expect(audit).toMatchObject([{ action: "run.retry", target: old, key: ACTOR.key }]);
  });

  test("is found and gone on with by another node when its own dies", async () => {
    const { world, member, workflow, mend } = await openShop();
    await using _ = world;
    const old = await world.start(member, workflow);
    await world.ended(member, old);
    mend();
    const id = createdOf(await retry(world, member, old));
    member.kill();
    const heir = await world.open({
      functions: {
        reserve: () => {
          throw new Error("asked for again");
        },
        charge: () => null,
        ship: () => null,
      },
    });
    expect(await world.ended(heir, id)).toMatchObject({ status: "completed", retryOf: old });
  });

  test("gives one run to two calls with one key", async () => {
    const { world, member, workflow } = await openShop();
    await using _ = world;
    const old = await world.start(member, workflow);
    await world.ended(member, old);
    const first = createdOf(await retry(world, member, old, { idempotencyKey: "k" }));
    expect(await retry(world, member, old, { idempotencyKey: "k" })).toMatchObject({
      kind: "existing",
      runId: first,
      mismatch: false,
    });
    expect(createdOf(await retry(world, member, old, { idempotencyKey: "k2" }))).not.toBe(first);
  });

  test("retries a retry, and a cancelled run", async () => {
    const { world, member, workflow, calls, mend } = await openShop();
    await using _ = world;
    const first = await world.start(member, workflow);
    await world.ended(member, first);
    const second = createdOf(await retry(world, member, first));
    expect(await world.ended(member, second)).toMatchObject({ status: "failed", retryOf: first });
    mend();
    const third = createdOf(await retry(world, member, second));
    expect(await world.ended(member, third)).toMatchObject({ status: "completed" });
    expect(calls.filter((call) => call === "reserve")).toHaveLength(1);

    const slow = await world.install(member, [aCallStep("reserve"), aWaitStep("pause", 60_000)]);
    const cancelled = await world.start(member, slow);
    await world.cancel(member, cancelled);
    await world.ended(member, cancelled);
    const again = createdOf(await retry(world, member, cancelled));
    expect(await world.ended(member, again)).toMatchObject({ status: "completed" });
  });

  test("is refused for a run that lives, completed, or is not there", async () => {
    const { world, member, workflow, mend } = await openShop();
    await using _ = world;
    const failed = await world.start(member, workflow);
    expect(codeOf(await retry(world, member, failed))).toBe("run.not-failed");
    await world.ended(member, failed);
    expect(codeOf(await retry(world, member, failed, { tenant: OTHER }))).toBe("run.not-found");
    mend();
    const good = await world.start(member, workflow);
    await world.ended(member, good);
    expect(codeOf(await retry(world, member, good))).toBe("run.not-failed");
    const bad = await retry(world, member, failed, { idempotencyKey: "" });
    expect(codeOf(bad)).toBe("request.invalid");
  });

  test("gives what ran out of time a new deadline, and keeps what it had done", async () => {
    await using world = new NodeWorld();
    const calls: string[] = [];
    const member = await world.open({ functions: { a: () => void calls.push("a") } });
    const steps = [aCallStep("a"), aWaitStep("pause", 5_000)];
    const workflow = await world.install(member, steps, { timeoutMs: 3_000 });
    const old = await world.start(member, workflow);
    expect(await world.ended(member, old)).toMatchObject({ status: "failed" });
    const id = createdOf(await retry(world, member, old));
    const run = await world.get(member, id);
    expect(run.steps.map(({ status }) => status)).toEqual(["completed", "running"]);
    expect(calls).toEqual(["a"]);
  });
});

describe("a key of a failed run", () => {
  test("starts another run on request, and stands for that one then (fault 45)", async () => {
    const { world, member, workflow, mend } = await openShop();
    await using _ = world;
    const key = { idempotencyKey: "k" };
    const failed = await world.start(member, workflow, key);
    await world.ended(member, failed);
    expect(await world.tryStart(member, workflow, key)).toMatchObject({ runId: failed });
    mend();
    const reuse = { ...key, reuseAfterFailure: true };
    const [check] = await world.clock.run(member.node.runs.check([aStartRequest(workflow, reuse)]));
    expect(check).toEqual({ kind: "startable" });
    const second = await world.start(member, workflow, reuse);
    expect(second).not.toBe(failed);
    await world.ended(member, second);
    expect(await world.tryStart(member, workflow, reuse)).toMatchObject({
      kind: "existing",
      runId: second,
      status: "completed",
    });
  });
});
