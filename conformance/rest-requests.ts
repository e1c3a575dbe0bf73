// Requests of ours to a server that samples are sent to, of the same form as theirs.
import type { ListeningServer, SampleAnswer } from "./open-listening-server.ts";
import type { PrintedRequest } from "./printed-request.ts";

/** With the key that may do everything. Text goes as it is, anything else as JSON. */
export const post = (
  { server }: ListeningServer,
  path: string,
  body?: unknown,
): PrintedRequest => ({
  method: "POST",
  url: `http://localhost:3000/api/v1${path}`,
  headers: { "x-api-key": server.key, "content-type": "application/json" },
  body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
});

export const get = ({ server }: ListeningServer, path: string): PrintedRequest => ({
  method: "GET",
  url: `http://localhost:3000/api/v1${path}`,
  headers: { "x-api-key": server.key },
  body: undefined,
});

export interface SeenRun {
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: { readonly message: string; readonly stepId: string } | null;
  readonly steps: readonly {
    readonly id: string;
    readonly status: string;
    readonly output: unknown;
  }[];
}

/** The run when it has ended. */
export async function ended(here: ListeningServer, { body }: SampleAnswer): Promise<SeenRun> {
  const answer = await here.send(get(here, `/runs/${String(body.data["runId"])}?wait=30`));
  return answer.body.data as unknown as SeenRun;
}

export async function countRuns(here: ListeningServer): Promise<number> {
  const answer = await here.send(get(here, "/runs?limit=100"));
  return (answer.body.data as unknown as readonly unknown[]).length;
}
