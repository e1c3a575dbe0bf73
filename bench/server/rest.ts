// The calls of the REST API that the benchmarks make.
import type { JsonValue } from "@millrace/protocol";
import type { ChosenWorkflow } from "../engine/definitions.ts";
import type { Answer } from "../load/connection.ts";
import type { Client } from "../load/client.ts";

const CREATED = 201;
const OK = 200;
const ACCEPTED = 202;
const CONFLICT = 409;
const LONGEST_WAIT_SECONDS = 60;

/** Active from now on; one that is there already stays as it is. */
export async function installOverRest(
  client: Client,
  { id, definition }: ChosenWorkflow,
): Promise<void> {
  const body = JSON.stringify({ id, ...definition });
  const created = await client.call({ method: "POST", path: "/api/v1/workflows", body });
  if (created.status !== CONFLICT) expectStatus(created, CREATED);
  const path = `/api/v1/workflows/${id}/activate`;
  expectStatus(await client.call({ method: "POST", path, body: "{}" }), OK);
}

export interface RestStart {
  readonly runId: string;
  /** False: the idempotency key had been used. */
  readonly isNew: boolean;
}

/** Resolves when the server has acknowledged the start: from then on it may not be lost. */
export async function startOverRest(
  client: Client,
  workflow: string,
  input: JsonValue,
  idempotencyKey: string,
): Promise<RestStart> {
  const path = `/api/v1/workflows/${workflow}/run`;
  const body = JSON.stringify({ input });
  const answer = await client.call({ method: "POST", path, body, idempotencyKey });
  if (answer.status !== OK) expectStatus(answer, CREATED);
  const { data } = JSON.parse(answer.body) as { readonly data: { readonly runId: string } };
  return { runId: data.runId, isNew: answer.status === CREATED };
}

/** Starts a run and waits for its result in the same request. */
export async function startAndWaitOverRest(
  client: Client,
  workflow: string,
  n: number,
): Promise<void> {
  const path = `/api/v1/workflows/${workflow}/run?wait=${LONGEST_WAIT_SECONDS}`;
  const answer = await client.call({ method: "POST", path, body: `{"input":{"n":${n}}}` });
  expectStatus(answer, CREATED);
  const { data } = JSON.parse(answer.body) as { readonly data: { readonly status: string } };
  if (data.status !== "completed") throw new Error(`a run is ${data.status}: ${answer.body}`);
}

/** One request; resolves when every start is acknowledged as new. */
export async function startBatchOverRest(
  client: Client,
  workflow: string,
  count: number,
  keyPrefix: string,
): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => ({
    input: { n },
    idempotencyKey: `${keyPrefix}-${n}`,
  }));
  const path = `/api/v1/workflows/${workflow}/run/batch`;
  const answer = await client.call({ method: "POST", path, body: JSON.stringify({ items }) });
  expectStatus(answer, OK);
  const { meta } = JSON.parse(answer.body) as { readonly meta: { readonly created: number } };
  if (meta.created !== count) throw new Error(`of ${count} starts, ${meta.created} are new`);
}

export async function cancelOverRest(client: Client, runId: string): Promise<void> {
  const path = `/api/v1/runs/${runId}/cancel`;
  expectStatus(await client.call({ method: "POST", path, body: "{}" }), ACCEPTED);
}

/** What the server counts, by the names that Prometheus sees. Open to all in development. */
async function readMetrics(client: Client): Promise<(name: string, labels?: string) => number> {
  const { body } = await client.call({ method: "GET", path: "/metrics" });
  return (name, labels = "") => {
    const wanted = `${name}${labels === "" ? "" : `{${labels}}`} `;
    const line = body.split("\n").find((line) => line.startsWith(wanted));
    return line === undefined ? 0 : Number(line.slice(wanted.length));
  };
}

/** Since this server started. */
export interface Progress {
  readonly started: number;
  readonly finished: number;
  /** Processor time of all its threads, in microseconds. */
  readonly cpuUs: number;
}

export async function readProgress(client: Client): Promise<Progress> {
  const metric = await readMetrics(client);
  const ended = ["completed", "failed", "cancelled"].map((status) =>
    metric("millrace_runs_finished_total", `status="${status}"`),
  );
  return {
    started: metric("millrace_runs_started_total"),
    finished: ended.reduce((sum, value) => sum + value, 0),
    cpuUs: metric("process_cpu_seconds_total") * 1e6,
  };
}

function expectStatus({ status, body }: Answer, expected: number): void {
  if (status !== expected) {
    throw new Error(`expected ${expected}, received ${status}: ${body.slice(0, 500)}`);
  }
}
