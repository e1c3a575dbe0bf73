import type { HostCommand, WorkerOffer, WorkerTransport } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { LivingEngine } from "./living-transport.ts";
import { LivingWorkers } from "./living-workers.ts";

const OFFER: WorkerOffer = { name: "test", workflows: [], functions: ["f"], slots: 1, labels: {} };

/** A node whose worker is whoever has attached last. */
function aNode() {
  const reported: string[] = [];
  const state: { say: (command: HostCommand) => void } = { say: () => undefined };
  const attach: WorkerTransport["attach"] = async (_, receive) => {
    state.say = (command) => receive([command]);
    return {
      report: async (reports) => void reported.push(...reports.map(({ type }) => type)),
      drain: async () => void reported.push("drain"),
      close: async () => void reported.push("close"),
    };
  };
  // No client is asked for here.
  const connect = () => ({ client: {} as never, worker: { attach } });
  return { node: { connect }, state, reported };
}

const toWorld = (node: ReturnType<typeof aNode>["node"]): LivingEngine => ({
  living: async () => ({ node, died: new Promise(() => undefined) }),
});

const aClose = (session: string): HostCommand => ({ type: "close", session, reason: "over" });

describe("LivingWorkers", () => {
  test("hear what the living node says, and nothing of the dead one", async () => {
    const [dead, living] = [aNode(), aNode()];
    const workers = new LivingWorkers();
    const heard: HostCommand[] = [];
    const receive = (commands: readonly HostCommand[]): void => void heard.push(...commands);
    await workers.connect(toWorld(dead.node)).attach(OFFER, receive, () => undefined);
    dead.state.say(aClose("1"));
    await workers.attachAll(living.node);
    dead.state.say(aClose("2"));
    living.state.say(aClose("3"));
    expect(heard).toEqual([aClose("1"), aClose("3")]);
  });

  test("attach to a node once, and tell it what they said meanwhile", async () => {
    const [dead, living] = [aNode(), aNode()];
    const workers = new LivingWorkers();
    const world = toWorld(dead.node);
    const link = await workers.connect(world).attach(
      OFFER,
      () => undefined,
      () => undefined,
    );
    const attached = workers.attachAll(living.node);
    await link.report([{ type: "idle", session: "1", sequence: 0 }]);
    await Promise.all([attached, workers.attachAll(living.node)]);
    expect([dead.reported, living.reported]).toEqual([[], ["idle"]]);
  });

  test("drain at each node to come, and leave for good", async () => {
    const [first, second, third] = [aNode(), aNode(), aNode()];
    const workers = new LivingWorkers();
    const world = toWorld(first.node);
    const link = await workers.connect(world).attach(
      OFFER,
      () => undefined,
      () => undefined,
    );
    await link.drain();
    await workers.attachAll(second.node);
    await link.close();
    await workers.attachAll(third.node);
    expect([first, second, third].map(({ reported }) => reported)).toEqual([
      ["drain"],
      ["drain", "close"],
      [],
    ]);
  });

  test("are told why a node refuses them", async () => {
    const refuse = (): Promise<never> => Promise.reject(new Error("no"));
    const node = { connect: () => ({ client: {} as never, worker: { attach: refuse } }) };
    const workers = new LivingWorkers();
    const { attach } = workers.connect(toWorld(node));
    await expect(
      attach(
        OFFER,
        () => undefined,
        () => undefined,
      ),
    ).rejects.toThrow("no");
    await workers.attachAll(aNode().node);
  });
});
