import type { Priority, RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { NodeWorld } from "../testkit/node-world.ts";
import { anEnd, aRunRequest, ScriptedHost } from "../testkit/scripted-host.ts";

const HOUR_MS = 3_600_000;
const SLOTS = 5;
const RUNS_EACH = 20;
/** In the order in which they are started. */
const PRIORITIES: readonly Priority[] = [2, 0, 1];

/** How many sessions were open at the same time, at most. */
function mostOpen({ commands }: ScriptedHost): number {
  const open = new Set<string>();
  const counts = commands.map((command) => {
    if (command.type === "open") open.add(command.session);
    if (command.type === "close") open.delete(command.session);
    return open.size;
  });
  return Math.max(...counts);
}

describe("the backlog of an hour without workers", () => {
  test("is said to wait for a worker, and drains by priority, then age, within the worker's slots (fault 14)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const script = { begin: [aRunRequest("a")], a: [anEnd()] };
    await (await ScriptedHost.attach(member.node, { script })).close();
    const ids = new Map<Priority, RunId[]>();
    for (const priority of PRIORITIES) {
      const mine: RunId[] = [];
      for (let n = 0; n < RUNS_EACH; n++) {
        mine.push(await world.start(member, "order", { priority }));
        await world.clock.advance(1_000);
      }
      ids.set(priority, mine);
    }
    await world.clock.advance(HOUR_MS);
    const all = [...ids.values()].flat();
    for (const runId of all) {
      expect(await world.get(member, runId)).toMatchObject({
        status: "pending",
        waitingOn: { kind: "worker", workflow: "order" },
      });
    }

    const host = await ScriptedHost.attach(member.node, { script, offer: { slots: SLOTS } });
    for (const runId of all) await world.ended(member, runId);
    expect(host.tasks).toHaveLength(all.length);
    expect(mostOpen(host)).toBe(SLOTS);
    const wanted = PRIORITIES.toSorted((a, b) => a - b).flatMap(
      (priority) => ids.get(priority) ?? [],
    );
    expect(host.tasks.map(({ runId }) => runId)).toEqual(wanted);
  });
});
