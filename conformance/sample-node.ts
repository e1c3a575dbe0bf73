// One node that samples run on: a server behind a port, and its engine's own commands.
import type { Engine } from "@millrace/engine";
import { listen } from "millrace";
import { openTestServer, type TestServerOptions } from "../tools/testkit/open-test-server.ts";

/** The commands that samples call in place of HTTP. What they are told and say can travel between processes. */
export const NODE_COMMANDS = [
  "createWorkflow",
  "activateWorkflow",
  "getWorkflow",
  "startRuns",
  "getRun",
  "waitForRun",
] as const;

export type NodeCommands = Pick<Engine, (typeof NODE_COMMANDS)[number]>;

export interface SampleNode {
  readonly port: number;
  /** With every scope. */
  readonly key: string;
  readonly commands: NodeCommands;
  newKey(scopes: readonly string[]): Promise<string>;
  /** If it is not there. */
  makeTenant(name: string): Promise<void>;
  close(): Promise<void>;
}

/** In this process. */
export async function openNode(options: TestServerOptions): Promise<SampleNode> {
  const server = await openTestServer(options);
  const { app, engine, key } = server;
  const listener = await listen({ app, host: "127.0.0.1", port: 0 });
  return {
    port: listener.port,
    key,
    commands: engine,
    newKey: (scopes) => server.newKey(scopes),
    makeTenant: async (name) => {
      if ((await engine.tenants.find(name)) === null)
        await engine.tenants.create({ name, actor: { key: null, address: null } });
    },
    close: async () => {
      await listener.close({ graceMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}
