// A node of the cluster, as a process of its own: `node-processes.ts` forks it, and holds the other end.
import type { ActionContext, StepContext } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import type { JsonValue } from "@millrace/protocol";
import { createChannel } from "./cluster-channel.ts";
import type { BodyCall, NodeSettings } from "./node-processes.ts";
import { openNode, type NodeCommands, type SampleNode } from "./sample-node.ts";

/** By the sample that they belong to. */
const nodes = new Map<number, SampleNode>();
let lastCall = 0;

interface OfWorld {
  readonly world: number;
}

const nodeOf = ({ world }: OfWorld): SampleNode => {
  const node = nodes.get(world);
  if (node === undefined) throw new Error(`world ${world} is closed`);
  return node;
};

const channel = createChannel(process, {
  open: async (settings: NodeSettings) => {
    const { world, url, functions, actions, ...rest } = settings;
    const storage = await createPostgresStorage({ url });
    const bodies = (kind: BodyCall["kind"], names: readonly string[]): Bodies =>
      Object.fromEntries(names.map((name) => [name, toBody(world, kind, name)]));
    const node = await openNode({
      ...rest,
      storage,
      functions: bodies("function", functions),
      actions: bodies("action", actions),
    });
    nodes.set(world, node);
    return { port: node.port, key: node.key };
  },
  command: ({ name, args, ...of }: OfWorld & Command) => {
    const { commands } = nodeOf(of);
    // The parent gives what this command takes.
    return (commands[name] as AnyCommand).apply(commands, [...args]);
  },
  newKey: ({ scopes, ...of }: OfWorld & { readonly scopes: readonly string[] }) =>
    nodeOf(of).newKey(scopes),
  makeTenant: ({ name, ...of }: OfWorld & { readonly name: string }) => nodeOf(of).makeTenant(name),
  close: async (of: OfWorld) => {
    const node = nodeOf(of);
    nodes.delete(of.world);
    await node.close();
  },
});

type AnyCommand = (this: NodeCommands, ...args: unknown[]) => unknown;

interface Command {
  readonly name: keyof NodeCommands;
  readonly args: readonly unknown[];
}

type Bodies = Readonly<Record<string, ReturnType<typeof toBody>>>;

/** Runs in the test's process, so that the test sees it. */
function toBody(world: number, kind: BodyCall["kind"], name: string) {
  return (input: JsonValue, context: StepContext | ActionContext): Promise<unknown> => {
    lastCall += 1;
    const call = lastCall;
    const { signal, ...rest } = context;
    signal.addEventListener("abort", () => void channel.ask("abort", { world, call }), {
      once: true,
    });
    return channel.ask("body", { world, call, kind, name, input, context: rest });
  };
}

// The test has ended, however it did.
process.on("disconnect", () => process.exit());
