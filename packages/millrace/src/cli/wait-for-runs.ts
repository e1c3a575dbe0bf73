// Waits for many runs with few requests: for the oldest one that is still going, then it looks through the list, whose
// pages tell of a hundred runs each.
import type { RunSummaryView, RunView } from "../doors/rest/run-view.ts";
import { askPatiently } from "./ask-patiently.ts";
import type { Client } from "./client.ts";

export interface Ends {
  readonly counts: { completed: number; failed: number; cancelled: number };
  /** As they ended. */
  readonly failedIds: readonly string[];
}

const WAIT_SECONDS = 10;
const PAGE = 100;
/** A run of long ago, which an idempotency key found, is not worth leafing through all that came since. */
const SPARE_PAGES = 5;

/** @param onEnd told how many have ended, each time that it is more */
export async function waitForRuns(
  client: Client,
  ids: ReadonlySet<string>,
  onEnd: (count: number) => void,
): Promise<Ends> {
  const open = new Set([...ids].toSorted());
  const counts = { completed: 0, failed: 0, cancelled: 0 };
  const failedIds: string[] = [];
  const settle = ({ id, status, completedAt }: RunSummaryView): void => {
    if (completedAt === null || !open.delete(id)) return;
    if (status === "completed" || status === "failed" || status === "cancelled")
      counts[status] += 1;
    if (status === "failed") failedIds.push(id);
  };
  const mostPages = Math.ceil(ids.size / PAGE) + SPARE_PAGES;
  onEnd(0);
  for (;;) {
    const [oldest] = open;
    if (oldest === undefined) return { counts, failedIds };
    const path = `/api/v1/runs/${encodeURIComponent(oldest)}?wait=${WAIT_SECONDS}`;
    settle((await askPatiently(() => client.get<RunView>(path))).data);
    if (open.size > 0) await leaf(client, open, mostPages, settle);
    onEnd(ids.size - open.size);
  }
}

/** From the newest run to the oldest that is waited for. Ids sort by the time they were made. */
async function leaf(
  client: Client,
  open: ReadonlySet<string>,
  mostPages: number,
  settle: (run: RunSummaryView) => void,
): Promise<void> {
  let cursor = "";
  for (let page = 0; page < mostPages; page++) {
    const [oldest] = open;
    const path = `/api/v1/runs?limit=${PAGE}${cursor}`;
    const { data, meta } = await askPatiently(() => client.get<readonly RunSummaryView[]>(path));
    data.forEach(settle);
    const next = meta?.["cursor"];
    const last = data.at(-1);
    if (typeof next !== "string" || oldest === undefined || last === undefined) return;
    if (last.id <= oldest) return;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}
