// A whole server in this process, without a port: the real app on the real engine on a SQLite store in memory.
import type { Sandbox } from "@millrace/connectors";
import {
  createEngine,
  type Actions,
  type ApiKey,
  type Engine,
  type EngineOptions,
  type FunctionCaller,
  type StepFunctions,
} from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { DEFAULT_TENANT, toTimestamp } from "@millrace/protocol";
import { createApp, createLog, type App, type Mode } from "millrace";
import type { StreamGate } from "../../packages/millrace/src/event-stream.ts";
import type { StepView } from "../../packages/millrace/src/doors/rest/run-view.ts";
import type { RequestEnv } from "../../packages/millrace/src/app.ts";
import type { RemoteWorkers } from "../../packages/millrace/src/remote-workers.ts";
import type { RateClock } from "../../packages/millrace/src/auth/rate-limiter.ts";
import { digestOf, newKey, parseKeyId } from "../../packages/millrace/src/auth/key.ts";

export interface TestServerOptions {
  /** Default: SQLite in memory. */
  readonly storage?: EngineOptions["storage"];
  readonly functions?: StepFunctions;
  readonly actions?: Actions;
  readonly callFunction?: FunctionCaller;
  readonly mode?: Mode;
  readonly adminKey?: string;
  readonly stopping?: AbortSignal;
  readonly sandbox?: Sandbox;
  /** Bounds event streams. */
  readonly streams?: StreamGate;
  /** Workers on other machines, and their leases. */
  readonly workers?: RemoteWorkers;
  /** By which keys end and rates are counted. */
  readonly clock?: RateClock;
  /** Commands that do something else than the engine's own: to see the app when the engine fails. */
  readonly replaced?: Partial<Engine>;
}

export interface Sent {
  /** Default: the server's own key. null: none. */
  readonly key?: string | null;
  /** Text goes as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Of the peer, as a socket would have it. */
  readonly address?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The envelope, as far as the answer has it: each test knows what it asked for. */
  readonly body: AnsweredBody;
  /** `body.data` of a list; empty for any other answer. */
  readonly items: readonly { readonly id: string }[];
}

export interface AnsweredBody {
  readonly data: AnsweredData;
  readonly meta: {
    readonly cursor: string | null;
    readonly hasMore: boolean;
    readonly warnings: readonly AnsweredDetail[];
  };
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly reason: string;
    readonly details: readonly AnsweredDetail[];
  };
}

export interface AnsweredDetail {
  readonly path: readonly (string | number)[];
  readonly field: string;
  readonly message: string;
  readonly hint?: string;
}

/** What the tests look at one by one in a run or a workflow. */
export interface AnsweredData {
  readonly id: string;
  readonly runId: string;
  readonly workerId: string;
  readonly name: string;
  readonly status: string;
  readonly input: unknown;
  readonly metadata: unknown;
  readonly workflowId: string;
  readonly completedAt: string | null;
  readonly waitingOn: unknown;
  readonly error: unknown;
  readonly steps: readonly StepView[];
}

export interface TestServer extends AsyncDisposable {
  readonly app: App;
  readonly engine: Engine;
  /** A key with every scope. */
  readonly key: string;
  /** Every line that was logged. */
  readonly logLines: string[];
  newKey(scopes: readonly string[], expiresAtMs?: number, name?: string): Promise<string>;
  /** A key with settings of its own; by default with every scope and without limits. */
  makeKey(settings: Partial<ApiKey>): Promise<string>;
  send(method: string, path: string, sent?: Sent): Promise<Answered>;
  /** Creates and activates. @returns its id */
  install(definition: object): Promise<string>;
}

export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const storage = options.storage ?? (await createSqliteStorage({ memory: true }));
  const { functions = {}, actions = {}, callFunction } = options;
  const calls = callFunction === undefined ? {} : { callFunction };
  const engine = createEngine({ storage, functions, actions, ...calls });
  await engine.start();
  const logLines: string[] = [];
  const app = createApp({
    engine: replaceCommands(engine, options.replaced ?? {}),
    log: createLog({ level: "debug", write: (line) => logLines.push(line) }),
    mode: options.mode ?? "production",
    adminKeyDigest: options.adminKey === undefined ? null : digestOf(options.adminKey),
    ...(options.stopping === undefined ? {} : { stopping: options.stopping }),
    ...(options.streams === undefined ? {} : { streams: options.streams }),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.sandbox === undefined ? {} : { sandbox: options.sandbox }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const key = await putKey(engine, {});
  const send: TestServer["send"] = (method, path, sent = {}) =>
    toAnswered(app.fetch(toRequest(method, path, { key, ...sent }), toEnv(sent)));
  return {
    app,
    engine,
    key,
    logLines,
    newKey: (scopes, expiresAtMs, name = "test") =>
      putKey(engine, {
        scopes,
        name,
        expiresAt: expiresAtMs === undefined ? null : toTimestamp(expiresAtMs),
      }),
    makeKey: (settings) => putKey(engine, settings),
    send,
    install: async (definition) => {
      const created = await send("POST", "/api/v1/workflows", { body: definition });
      if (created.status !== 201) throw new Error(created.text);
      const id = created.body.data.id;
      await send("POST", `/api/v1/workflows/${id}/activate`);
      return id;
    },
    [Symbol.asyncDispose]: () => engine.stop({ graceMs: 0 }),
  };
}

function replaceCommands(engine: Engine, replaced: Partial<Engine>): Engine {
  return new Proxy(engine, {
    get: (target, name) => {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name) as unknown;
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? (own.bind(target) as unknown) : own;
    },
  });
}

async function putKey(engine: Engine, settings: Partial<ApiKey>): Promise<string> {
  const key = newKey();
  await engine.keys.put(
    {
      id: parseKeyId(key) ?? "",
      tenant: DEFAULT_TENANT,
      name: "test",
      hash: digestOf(key).toString("hex"),
      previous: null,
      scopes: ["*"],
      limits: { read: null, write: null, execute: null },
      createdAt: toTimestamp(Date.now()),
      expiresAt: null,
      ...settings,
    },
    { key: null, address: null },
  );
  return key;
}

const toEnv = ({ address }: Sent): RequestEnv => (address === undefined ? {} : { address });

function toRequest(method: string, path: string, sent: Sent): Request {
  const { key, body, headers, signal } = sent;
  const text = typeof body === "string" || body === undefined ? body : toBody(body);
  return new Request(`http://localhost${path}`, {
    method,
    headers: { ...(typeof key === "string" ? { "x-api-key": key } : {}), ...headers },
    ...(text === undefined ? {} : { body: text }),
    ...(signal === undefined ? {} : { signal }),
  });
}

const toBody = (body: unknown): string | Uint8Array<ArrayBuffer> =>
  body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);

async function toAnswered(answer: Promise<Response>): Promise<Answered> {
  const response = await answer;
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get("content-type")?.startsWith("application/json") === true;
  // The server is what is tested; a body of another shape fails the test that looks into it.
  const body = (isJson && text !== "" ? JSON.parse(text) : {}) as AnsweredBody;
  const items = Array.isArray(body.data) ? (body.data as Answered["items"]) : [];
  return { status, headers, text, body, items };
}
