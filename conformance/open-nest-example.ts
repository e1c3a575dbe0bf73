// The example application `examples/nestjs-orders`, built by the compiler and started as it was built: with an engine of
// its own, or at a server on the store that the samples run on.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../e2e/command.ts";
import { openListeningServer, type ListeningServer } from "./open-listening-server.ts";
import { readSampleStore } from "./sample-store.ts";

const EXAMPLE = join(import.meta.dirname, "../examples/nestjs-orders");
const COMPILER = join(import.meta.dirname, "../node_modules/.bin/tsc");

export const WEBHOOK_SECRET = "whsec_of_this_test";

export interface NestExample extends AsyncDisposable {
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** Of a user, when `count` are there and all have ended. */
  ended(user: string, count: number): Promise<readonly EndedRun[]>;
}

export interface Answer {
  readonly status: number;
  /** Each test knows what it asked for. */
  readonly body: unknown;
}

export interface EndedRun {
  readonly id: string;
  readonly status: string;
  readonly workspace: string | null;
  readonly user: string | null;
  readonly input: unknown;
  readonly output: unknown;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** Once for all tests of a file. @throws what the compiler says, on standard output */
export function buildNestExample(): void {
  execFileSync(COMPILER, ["-p", EXAMPLE], { stdio: ["ignore", "inherit", "inherit"] });
}

export async function openNestExample(): Promise<NestExample> {
  const server = readSampleStore() === "sqlite" ? null : await openListeningServer();
  const folder = await mkdtemp(join(tmpdir(), "millrace-nest-"));
  const app = launch({
    folder,
    args: [],
    script: join(EXAMPLE, "dist/main.js"),
    env: {
      PORT: "0",
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      MILLRACE_FILE: join(folder, "orders.db"),
      ...(server === null ? {} : whereIs(server)),
    },
  });
  const url = /http:\S+/.exec(await app.firstLine)?.[0] ?? "";
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, init);
    return { status: answer.status, body: await answer.json() };
  };
  const get = (path: string): Promise<Answer> => send(path, {});
  return {
    get,
    post: (path, body = {}, headers = {}) =>
      send(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    ended: (user, count) => ended(get, user, count),
    [Symbol.asyncDispose]: async () => {
      await app.kill();
      await server?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

const whereIs = (server: ListeningServer): Readonly<Record<string, string>> => ({
  MILLRACE_URL: server.workerUrl(),
  MILLRACE_KEY: server.server.key,
});

/** The application answers what its list says, and each run by its id. */
async function ended(
  get: NestExample["get"],
  user: string,
  count: number,
): Promise<readonly EndedRun[]> {
  for (;;) {
    const { body } = await get(`/runs?user=${user}`);
    const ids = (body as readonly { readonly id: string }[]).map(({ id }) => id);
    const runs = await Promise.all(
      ids.map(async (id) => (await get(`/runs/${id}/end`)).body as EndedRun),
    );
    if (runs.length >= count) return runs;
  }
}
