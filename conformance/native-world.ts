// Our own client and worker, reached in two ways: in the process of the engine, and over HTTP on a port.
import { createEngine, type Engine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import type { AnyWorkflow } from "@millrace/sdk";
import { createClient, type Client } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { openListeningServer } from "./open-listening-server.ts";

export interface NativeWorld extends AsyncDisposable {
  readonly client: Client;
  /** Of another tenant, which is made if it is not there. */
  namespaced(namespace: string): Promise<Client>;
  /** Executes these workflows; in that tenant, or in the default one. */
  work(workflows: readonly AnyWorkflow[], namespace?: string): Promise<void>;
}

/** By its name in the table. */
export const WAYS: ReadonlyMap<string, () => Promise<NativeWorld>> = new Map([
  ["in process", openInProcess],
  ["over HTTP", openOverHttp],
]);

const ADMIN_KEY = "mr_test_administrator_of_this_conformance_test";

async function openInProcess(): Promise<NativeWorld> {
  const engine = createEngine({ storage: await createSqliteStorage({ memory: true }) });
  await engine.start();
  const reach = (namespace?: string): Reach => ({
    engine,
    ...(namespace === undefined ? {} : { namespace }),
  });
  return toWorld(engine, reach, () => engine.stop({ graceMs: 0 }));
}

async function openOverHttp(): Promise<NativeWorld> {
  const here = await openListeningServer({ adminKey: ADMIN_KEY });
  const { engine, key } = here.server;
  const reach = (namespace?: string): Reach =>
    namespace === undefined ? { url: here.url, key } : { url: here.url, key: ADMIN_KEY, namespace };
  return toWorld(engine, reach, async () => here[Symbol.asyncDispose]());
}

type Reach = Parameters<typeof createClient>[0];

function toWorld(
  engine: Engine,
  reach: (namespace?: string) => Reach,
  close: () => Promise<void>,
): NativeWorld {
  const open: (() => Promise<void>)[] = [];
  const connect = (namespace?: string): Client => {
    const client = createClient(reach(namespace));
    open.push(() => client.close());
    return client;
  };
  return {
    client: connect(),
    namespaced: async (namespace) => {
      if ((await engine.tenants.find(namespace)) === null)
        await engine.tenants.create({ name: namespace, actor: { key: null, address: null } });
      return connect(namespace);
    },
    work: async (workflows, namespace) => {
      const worker = createWorker({ ...reach(namespace), workflows });
      open.push(() => worker.stop());
      await worker.start();
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of open.toReversed()) await end();
      await close();
    },
  };
}
