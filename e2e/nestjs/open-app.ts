// A Nest application on an engine in memory, with a port of its own.
import { createEngine, type Engine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import {
  MillraceModule,
  RunService,
  type EngineModuleOptions,
  type MillraceOptions,
} from "@millrace/nestjs";
import { createClient, type Client } from "@millrace/sdk/client";
import {
  Module,
  type INestApplication,
  type LoggerService,
  type ModuleMetadata,
  type Type,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";

export const ADAPTERS = ["express", "fastify"] as const;
export type Adapter = (typeof ADAPTERS)[number];

export interface AppOptions extends Pick<ModuleMetadata, "controllers" | "providers" | "imports"> {
  readonly millrace: MillraceOptions;
  readonly adapter?: Adapter;
  readonly rawBody?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface TestApp extends AsyncDisposable {
  readonly nest: INestApplication;
  readonly runs: RunService;
  /** What the application logged: level and text. */
  readonly log: readonly string[];
  get<T>(type: abstract new (...args: never[]) => T): T;
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** @throws what the application refuses to start for; what had begun is ended then */
export async function openApp(options: AppOptions): Promise<TestApp> {
  const { millrace, adapter = "express", rawBody = false, ...metadata } = options;
  const log: string[] = [];
  const nest = await NestFactory.create(
    toRoot({
      ...metadata,
      imports: [MillraceModule.forRoot(millrace), ...(metadata.imports ?? [])],
    }),
    adapter === "express" ? new ExpressAdapter() : new FastifyAdapter(),
    { rawBody, logger: createLog(log), abortOnError: false, forceCloseConnections: true },
  );
  try {
    await nest.listen(0, "127.0.0.1");
  } catch (error) {
    await nest.close();
    throw error;
  }
  const url = (await nest.getUrl()).replace("[::1]", "127.0.0.1");
  return {
    nest,
    runs: nest.get(RunService),
    log,
    get: (type) => nest.get(type),
    post: async (path, body, headers = {}) => {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? null : (JSON.parse(text) as unknown) };
    },
    [Symbol.asyncDispose]: () => nest.close(),
  };
}

/** A module class with these parts. */
export function toRoot(metadata: ModuleMetadata): Type {
  class Root {}
  Module(metadata)(Root);
  return Root;
}

function createLog(lines: string[]): LoggerService {
  const write =
    (level: string) =>
    (...parts: unknown[]): void => {
      lines.push(`${level} ${parts.map(String).join(" ")}`);
    };
  return {
    log: write("log"),
    error: write("error"),
    warn: write("warn"),
    debug: write("debug"),
    verbose: write("verbose"),
    fatal: write("fatal"),
  };
}

export interface EngineWorld extends AsyncDisposable {
  readonly engine: Engine;
  readonly client: Client;
}

/** An engine of the test's own, which applications leave running. */
export async function openEngine(): Promise<EngineWorld> {
  const engine = createEngine({ storage: await createSqliteStorage({ memory: true }) });
  await engine.start();
  return {
    engine,
    client: createClient({ engine }),
    [Symbol.asyncDispose]: () => engine.stop({ graceMs: 0 }),
  };
}

/** For an application on such an engine. */
export const on = (
  { engine }: EngineWorld,
  options: Omit<EngineModuleOptions, "engine"> = {},
): EngineModuleOptions => ({ engine, stopsEngine: false, ...options });
