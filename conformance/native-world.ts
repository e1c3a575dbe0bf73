// Our own client and worker, reached in two ways: in the process of the engine, and over HTTP on a port.
import { createEngine, type Engine } from "@millrace/engine";
import type { AnyWorkflow } from "@millrace/sdk";
import { createClient, type Client } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { openListeningServer } from "./open-listening-server.ts";
import { openSampleStorage } from "./sample-store.ts";

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
  const store = await openSampleStorage();
  const engines: Engine[] = [];
  while (engines.length < store.nodeCount) {
    const engine = createEngine({ storage: await store.open() });
    await engine.start();
    engines.push(engine);
  }
  let turn = 0;
  // Each client and each worker has the next one.
  const reach = (namespace?: string): Reach => {
    const engine = engines[turn++ % engines.length];
    if (engine === undefined) throw new Error("there is no engine");
    return { engine, ...(namespace === undefined ? {} : { namespace }) };
  };
  const makeTenant = async (name: string): Promise<void> => {
    const [engine] = engines;
    if ((await engine?.tenants.find(name)) === null)
      await engine?.tenants.create({ name, actor: { key: null, address: null } });
  };
  return toWorld(makeTenant, reach, async () => {
    await Promise.all(engines.map((engine) => engine.stop({ graceMs: 0 })));
    await store.remove();
  });
}

async function openOverHttp(): Promise<NativeWorld> {
  const here = await openListeningServer({ adminKey: ADMIN_KEY });
  const { key, makeTenant } = here.server;
  const reach = (namespace: string | undefined, who: "client" | "worker"): Reach => {
    const url = who === "client" ? here.url : here.workerUrl();
    return namespace === undefined ? { url, key } : { url, key: ADMIN_KEY, namespace };
  };
  return toWorld(makeTenant, reach, async () => here[Symbol.asyncDispose]());
}

type Reach = Parameters<typeof createClient>[0];

function toWorld(
  makeTenant: (name: string) => Promise<void>,
  reach: (namespace: string | undefined, who: "client" | "worker") => Reach,
  close: () => Promise<void>,
): NativeWorld {
  const open: (() => Promise<void>)[] = [];
  const connect = (namespace?: string): Client => {
    const client = createClient(reach(namespace, "client"));
    open.push(() => client.close());
    return client;
  };
  return {
    client: connect(),
    namespaced: async (namespace) => {
      await makeTenant(namespace);
      return connect(namespace);
    },
    work: async (workflows, namespace) => {
      const worker = createWorker({ ...reach(namespace, "worker"), workflows });
      open.push(() => worker.stop());
      await worker.start();
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of open.toReversed()) await end();
      await close();
    },
  };
}
