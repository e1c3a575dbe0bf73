// The processes of a cluster, from the side of the test: they live as long as it, and open a node for each sample.
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { JsonValue } from "@millrace/protocol";
import type { TestServerOptions } from "../tools/testkit/open-test-server.ts";
import { createChannel, type Channel } from "./cluster-channel.ts";
import { NODE_COMMANDS, type NodeCommands, type SampleNode } from "./sample-node.ts";

/** What a process can be told of a node. */
export interface NodeSettings extends Pick<TestServerOptions, "mode" | "adminKey"> {
  readonly world: number;
  /** Of its database. */
  readonly url: string;
  /** Names of bodies, which stay with the test. */
  readonly functions: readonly string[];
  readonly actions: readonly string[];
}

/** A step's body that a node wants to be run. */
export interface BodyCall {
  readonly world: number;
  readonly call: number;
  readonly kind: "function" | "action";
  readonly name: string;
  readonly input: JsonValue;
  /** Of the step, without its signal. */
  readonly context: object;
}

type Body = (input: JsonValue, context: object) => unknown;
type MovableOptions = Pick<TestServerOptions, "mode" | "adminKey" | "functions" | "actions">;

interface NodeProcess {
  readonly channel: Channel;
  /** Bodies of the worlds that are open. */
  readonly bodies: Map<number, MovableOptions>;
}

const processes: NodeProcess[] = [];
let lastWorld = 0;

/** @returns the options that another process can be given; null: not all of them can travel */
export function toMovable(options: TestServerOptions): MovableOptions | null {
  const { mode, adminKey, functions, actions, ...rest } = options;
  if (Object.keys(rest).length > 0) return null;
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(adminKey === undefined ? {} : { adminKey }),
    ...(functions === undefined ? {} : { functions }),
    ...(actions === undefined ? {} : { actions }),
  };
}

/** One node in each of `count` processes, all on one database. */
export function openNodeProcesses(
  url: string,
  count: number,
  options: MovableOptions,
): Promise<readonly SampleNode[]> {
  while (processes.length < count) processes.push(startProcess());
  return Promise.all(processes.slice(0, count).map((one) => openIn(one, url, options)));
}

async function openIn(
  { channel, bodies }: NodeProcess,
  url: string,
  options: MovableOptions,
): Promise<SampleNode> {
  lastWorld += 1;
  const world = lastWorld;
  bodies.set(world, options);
  const { functions = {}, actions = {}, ...rest } = options;
  const settings: NodeSettings = {
    ...rest,
    world,
    url,
    functions: Object.keys(functions),
    actions: Object.keys(actions),
  };
  // What `cluster-node.ts` answers.
  const opened = (await channel.ask("open", settings)) as Pick<SampleNode, "port" | "key">;
  const command = (name: string) => {
    return (...args: readonly unknown[]) => channel.ask("command", { world, name, args });
  };
  return {
    ...opened,
    // Each answers what the command of that name does.
    commands: Object.fromEntries(
      NODE_COMMANDS.map((name) => [name, command(name)]),
    ) as unknown as NodeCommands,
    newKey: async (scopes) => (await channel.ask("newKey", { world, scopes })) as string,
    makeTenant: async (name) => void (await channel.ask("makeTenant", { world, name })),
    close: async () => {
      await channel.ask("close", { world });
      bodies.delete(world);
    },
  };
}

function startProcess(): NodeProcess {
  const child = fork(join(import.meta.dirname, "cluster-node.ts"), {
    execArgv: ["--conditions=source"],
    // Results have fields that are not there, which JSON cannot say.
    serialization: "advanced",
  });
  // It ends with this process, and does not keep it.
  child.unref();
  child.channel?.unref();
  const bodies: NodeProcess["bodies"] = new Map();
  return { channel: answerBodies(child, bodies), bodies };
}

function answerBodies(child: ChildProcess, bodies: NodeProcess["bodies"]): Channel {
  const running = new Map<number, AbortController>();
  return createChannel(child, {
    body: async ({ world, call, kind, name, input, context }: BodyCall) => {
      const { functions = {}, actions = {} } = bodies.get(world) ?? {};
      // Its context is whole again with the signal.
      const body = (kind === "function" ? functions[name] : actions[name]) as Body | undefined;
      if (body === undefined) throw new Error(`the test has no ${kind} ${name}`);
      const controller = new AbortController();
      running.set(call, controller);
      try {
        return await body(input, { ...context, signal: controller.signal });
      } finally {
        running.delete(call);
      }
    },
    abort: ({ call }: { readonly call: number }) => running.get(call)?.abort(),
  });
}
