// One engine with a client on it: in the same process, or over a real port.
import {
  createEngine,
  type Engine,
  type EngineOptions,
  type StepFunctions,
} from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import type { JsonValue } from "@millrace/protocol";
import { createClient, type Client, type HttpClientOptions } from "@millrace/sdk/client";
import { listen, type Listener } from "millrace";
import { createTestDatabase } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";
import { openTestServer, type TestServer } from "../tools/testkit/open-test-server.ts";

export interface ClientWorld extends AsyncDisposable {
  readonly client: Client;
  readonly engine: Engine;
  /** Creates and activates. @returns its id */
  install(definition: JsonValue): Promise<string>;
}

export interface HttpWorld extends ClientWorld {
  readonly url: string;
  readonly server: TestServer;
  connect(options?: Partial<HttpClientOptions>): Client;
  /** Every connection is cut, and nobody listens any more. */
  goAway(): Promise<void>;
  /** On the same port. */
  comeBack(): Promise<void>;
}

export type OpenClientWorld = (functions?: StepFunctions) => Promise<ClientWorld>;

const toInstall =
  (client: Client): ClientWorld["install"] =>
  async (definition) => {
    const { id } = await client.workflows.create(definition);
    await client.workflows.activate(id);
    return id;
  };

export const openEngineWorld: OpenClientWorld = async (functions) =>
  openWorldOn(await createSqliteStorage({ memory: true }), functions);

/** On a database of its own. */
export const openPostgresWorld: OpenClientWorld = async (functions) => {
  const database = await createTestDatabase();
  const storage = await createPostgresStorage({ url: database.url });
  return openWorldOn(storage, functions, () => database.drop());
};

async function openWorldOn(
  storage: EngineOptions["storage"],
  functions: StepFunctions = {},
  remove: () => Promise<void> = () => Promise.resolve(),
): Promise<ClientWorld> {
  const engine = createEngine({ storage, functions });
  await engine.start();
  const client = createClient({ engine });
  return {
    client,
    engine,
    install: toInstall(client),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await engine.stop({ graceMs: 0 });
      await remove();
    },
  };
}

export async function openHttpWorld(functions: StepFunctions = {}): Promise<HttpWorld> {
  const server = await openTestServer({ functions });
  const open = (port: number): Promise<Listener> =>
    listen({ app: server.app, host: "127.0.0.1", port });
  let listener = await open(0);
  const { port } = listener;
  const url = `http://127.0.0.1:${port}`;
  const clients: Client[] = [];
  const connect: HttpWorld["connect"] = (options) => {
    const client = createClient({ url, key: server.key, ...options });
    clients.push(client);
    return client;
  };
  const client = connect();
  return {
    client,
    engine: server.engine,
    url,
    server,
    connect,
    install: toInstall(client),
    goAway: () => listener.close({ graceMs: 0 }),
    comeBack: async () => {
      listener = await open(port);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((one) => one.close()));
      await listener.close({ graceMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}
