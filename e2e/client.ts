// What an HTTP client sees of a server.
import type { Definition } from "./workload.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** `data` of the envelope, or all of a body that has none. */
  readonly data: unknown;
  /** `error.reason` of the envelope; undefined: no error. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

export interface RunView {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
  readonly workflowId: string;
  readonly triggerType: string;
  readonly error: { readonly message: string; readonly reason: string } | null;
  readonly steps: readonly { readonly id: string; readonly status: string }[];
}

export interface Client {
  send(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Creates and activates. */
  install(definition: Definition): Promise<void>;
  start(workflow: string, input: object, idempotencyKey?: string): Promise<Answer>;
  /** Starts, and waits for the end. */
  run(workflow: string, input?: object): Promise<RunView>;
  /** Waits until the run has ended. @throws {Error} it has not for half a minute */
  ended(runId: string): Promise<RunView>;
  /** Every run, newest first. */
  list(): Promise<readonly RunView[]>;
  health(): Promise<Answer>;
  /** A gauge or counter of `/metrics`. */
  metric(name: string): Promise<number>;
}

const PAGE = 100;

export function createClient(url: string, key: string): Client {
  const send: Client["send"] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "x-api-key": key, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return toAnswer(response.status, response.headers, await response.text());
  };
  const ended: Client["ended"] = async (runId) => {
    const run = dataOf<RunView>(await send("GET", `/api/v1/runs/${runId}?wait=30`), 200);
    if (run.status !== "pending" && run.status !== "running") return run;
    throw new Error(`waited in vain for the end of ${JSON.stringify(run)}`);
  };
  const start: Client["start"] = (workflow, input, idempotencyKey) =>
    send("POST", `/api/v1/workflows/${workflow}/run`, { input, idempotencyKey });
  return {
    send,
    start,
    ended,
    install: async (definition) => {
      dataOf(await send("POST", "/api/v1/workflows", definition), 201);
      dataOf(await send("POST", `/api/v1/workflows/${definition.id}/activate`), 200);
    },
    run: async (workflow, input = {}) => ended(runIdOf(await start(workflow, input))),
    list: async () => {
      const runs: RunView[] = [];
      let cursor = "";
      for (;;) {
        const answer = await send("GET", `/api/v1/runs?limit=${PAGE}${cursor}`);
        const page = dataOf<readonly RunView[]>(answer, 200);
        runs.push(...page);
        const last = page.at(-1);
        if (page.length < PAGE || last === undefined) return runs;
        cursor = `&cursor=${last.id}`;
      }
    },
    health: () => send("GET", "/api/v1/health"),
    metric: async (name) => {
      const response = await fetch(`${url}/metrics`, { headers: { "x-api-key": key } });
      return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(await response.text())?.[1]);
    },
  };
}

/** Of an accepted start. */
export function runIdOf(answer: Answer): string {
  const { runId } = dataOf<{ readonly runId: string }>(answer, answer.status === 200 ? 200 : 201);
  return runId;
}

/** The shape is the API's; tests compare what they rely on. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a cast with a check before it
function dataOf<T>({ status, data, reason, message }: Answer, wanted: number): T {
  if (status === wanted) return data as T;
  throw new Error(`answered ${status} (${reason}: ${message}) instead of ${wanted}`);
}

function toAnswer(status: number, headers: Headers, text: string): Answer {
  const body = JSON.parse(text) as {
    readonly data?: unknown;
    readonly error?: { readonly reason: string; readonly message: string };
  };
  const { reason, message } = body.error ?? {};
  return { status, headers, data: body.data ?? body, reason, message };
}
