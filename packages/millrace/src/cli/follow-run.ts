// Follows a run to its end: by the events that the server sends, and by asking again and again where it sends none.
import type { RunView } from "../doors/rest/run-view.ts";
import type { Client } from "./client.ts";
import { openRunChanges } from "./run-changes.ts";

const LONGEST_WAIT_SECONDS = 60;
/** Of a second each; the server says something every 15. */
const MOST_SILENCES = 20;

export const isOver = ({ completedAt }: RunView): boolean => completedAt !== null;

export interface FollowOptions {
  /** Shown again while nothing happens, since time does. Default: nobody looks, so only the end counts. */
  readonly onChange?: (run: RunView) => void;
}

/** Ends when the run has ended. */
export async function followRun(
  client: Client,
  id: string,
  { onChange }: FollowOptions = {},
): Promise<RunView> {
  const path = `/api/v1/runs/${encodeURIComponent(id)}`;
  // At once, so that something is shown and a wrong id is told.
  let { data: run } = await client.get<RunView>(path);
  onChange?.(run);
  if (isOver(run)) return run;
  if (onChange !== undefined) run = await followEvents(client, path, run, onChange);
  const waitSeconds = onChange === undefined ? LONGEST_WAIT_SECONDS : 1;
  while (!isOver(run)) {
    run = (await client.get<RunView>(`${path}?wait=${waitSeconds}`)).data;
    onChange?.(run);
  }
  return run;
}

/** @returns the run as it was last seen; it has not ended where the events broke off */
async function followEvents(
  client: Client,
  path: string,
  first: RunView,
  onChange: (run: RunView) => void,
): Promise<RunView> {
  let run = first;
  let silences = 0;
  await using changes = openRunChanges(client, `${path}/events`);
  while (!isOver(run)) {
    const change = await changes.next();
    if (change === "over") return run;
    silences = change === "event" ? 0 : silences + 1;
    // A connection may be dead without a word.
    if (silences % MOST_SILENCES === 0) run = (await client.get<RunView>(path)).data;
    onChange(run);
  }
  return run;
}
