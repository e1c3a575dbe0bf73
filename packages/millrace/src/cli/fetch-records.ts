// Records of runs, from a server: those that are named, or those that a list holds.
import type { ReplayRecord } from "@millrace/protocol";
import type { RunSummaryView } from "../doors/rest/run-view.ts";
import { askPatiently } from "./ask-patiently.ts";
import { RefusedError, type Client } from "./client.ts";

const PATH = "/api/v1/runs";
const PAGE = 100;
/** Requests that are under way at once. */
const LANES = 8;

/** A run to ask for. */
export interface RunToFetch {
  readonly id: string;
  /** null: not known. */
  readonly workflowId: string | null;
}

export interface FoundRuns {
  /** Newest first. */
  readonly runs: readonly RunToFetch[];
  /** The limit was reached before the end. */
  readonly isMore: boolean;
}

/** @param query as the API's list takes it; undefined is left out */
export async function findRuns(
  client: Client,
  query: Readonly<Record<string, string | undefined>>,
  limit: number,
): Promise<FoundRuns> {
  const runs: RunToFetch[] = [];
  let cursor: string | undefined;
  do {
    const wanted = new URLSearchParams({ limit: String(Math.min(PAGE, limit - runs.length)) });
    for (const [name, value] of Object.entries({ ...query, cursor })) {
      if (value !== undefined) wanted.set(name, value);
    }
    const path = `${PATH}?${wanted.toString()}`;
    const { data, meta } = await askPatiently(() => client.get<readonly RunSummaryView[]>(path));
    runs.push(...data.map(({ id, workflowId }) => ({ id, workflowId })));
    const next = meta?.["cursor"];
    cursor = typeof next === "string" ? next : undefined;
  } while (cursor !== undefined && runs.length < limit);
  return { runs, isMore: cursor !== undefined };
}

/** What the server has of one run. */
export type Fetched =
  | { readonly kind: "record"; readonly record: ReplayRecord }
  /** Of a JSON workflow. */
  | { readonly kind: "not-code"; readonly id: string }
  | { readonly kind: "refused"; readonly id: string; readonly message: string };

/** In the order of `runs`, a few at once. */
export async function* fetchRecords(
  client: Client,
  runs: readonly RunToFetch[],
): AsyncGenerator<Fetched, void> {
  const graphs = new Set<string>();
  const pending: Promise<Fetched>[] = [];
  for (const run of runs) {
    const one = fetchOne(client, run, graphs);
    // Whoever waits for it hears of it; until then it is no stray rejection.
    one.catch(() => undefined);
    pending.push(one);
    const first = pending.length >= LANES ? pending.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const one of pending) yield await one;
}

/** @param graphs ids of workflows that are known to be JSON */
async function fetchOne(
  client: Client,
  { id, workflowId }: RunToFetch,
  graphs: Set<string>,
): Promise<Fetched> {
  if (workflowId !== null && graphs.has(workflowId)) return { kind: "not-code", id };
  try {
    const path = `${PATH}/${encodeURIComponent(id)}/replay`;
    const { data } = await askPatiently(() => client.get<ReplayRecord>(path));
    return { kind: "record", record: data };
  } catch (error) {
    // What a run is may be told of it alone; that the server or the key is wrong, is told of all.
    if (!(error instanceof RefusedError) || ![404, 409].includes(error.status)) throw error;
    if (error.error.reason !== "run.not-code")
      return { kind: "refused", id, message: error.message };
    if (workflowId !== null) graphs.add(workflowId);
    return { kind: "not-code", id };
  }
}
