// The nodes that a sample runs on: one, or three that take turns, so that what one is told is asked of the next.
import type { TestServerOptions } from "../tools/testkit/open-test-server.ts";
import { openNodeProcesses, toMovable } from "./node-processes.ts";
import { NODE_COMMANDS, openNode, type NodeCommands, type SampleNode } from "./sample-node.ts";
import { openSampleStorage, type SampleStorage } from "./sample-store.ts";
import { openBalancer } from "./turns.ts";

export interface SampleNodes extends Pick<SampleNode, "key" | "newKey" | "makeTenant"> {
  readonly nodeCount: number;
  /** Leads to each node in turn. */
  readonly port: number;
  /** Of the next node alone: for a worker, whose attachment belongs to one node. */
  nextPort(): number;
  /** Of each node in turn. */
  readonly commands: NodeCommands;
  /** Stops all nodes. What they stored stays. */
  stop(): Promise<void>;
  /** Stops the nodes, and removes what they stored. */
  close(): Promise<void>;
}

/** @param path of a store that other nodes open later */
export async function openNodes(options: TestServerOptions, path?: string): Promise<SampleNodes> {
  const storage = await openSampleStorage(path);
  const nodes = await openEach(storage, options);
  const [first] = nodes;
  if (first === undefined) throw new Error("a cluster of no nodes");
  const balancer = nodes.length > 1 ? await openBalancer(nodes.map(({ port }) => port)) : null;
  const stop = async (): Promise<void> => {
    await balancer?.close();
    await Promise.all(nodes.map((node) => node.close()));
  };
  let turn = 0;
  return {
    ...first,
    nodeCount: nodes.length,
    nextPort: () => nodes[turn++ % nodes.length]?.port ?? first.port,
    port: balancer?.port ?? first.port,
    commands: nodes.length > 1 ? takeTurns(first, nodes) : first.commands,
    stop,
    close: async () => {
      await stop();
      await storage.remove();
    },
  };
}

async function openEach(
  storage: SampleStorage,
  options: TestServerOptions,
): Promise<readonly SampleNode[]> {
  const { nodeCount, url } = storage;
  const movable = toMovable(options);
  if (nodeCount > 1 && url !== null && movable !== null)
    return openNodeProcesses(url, nodeCount, movable);
  // A sandbox of the test's own is in this process, and so are the nodes then.
  const nodes: SampleNode[] = [];
  while (nodes.length < nodeCount)
    nodes.push(await openNode({ ...options, storage: await storage.open() }));
  return nodes;
}

type AnyCommand = (this: NodeCommands, ...args: unknown[]) => unknown;

function takeTurns(first: SampleNode, nodes: readonly SampleNode[]): NodeCommands {
  let turn = 0;
  const command = (name: (typeof NODE_COMMANDS)[number]) => {
    return (...args: readonly unknown[]): unknown => {
      const { commands } = nodes[turn++ % nodes.length] ?? first;
      // The caller gives what this command takes.
      return (commands[name] as AnyCommand).apply(commands, [...args]);
    };
  };
  return Object.fromEntries(
    NODE_COMMANDS.map((name) => [name, command(name)]),
  ) as unknown as NodeCommands;
}
