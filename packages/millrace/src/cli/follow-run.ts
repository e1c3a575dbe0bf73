import type { RunView } from "../doors/rest/run-view.ts";
import type { Client } from "./client.ts";

const LONGEST_WAIT_SECONDS = 60;

export const isOver = ({ completedAt }: RunView): boolean => completedAt !== null;

export interface FollowOptions {
  /** How long the server may hold an answer back; shorter shows more of what happens on the way. Default 60. */
  readonly waitSeconds?: number;
  readonly onChange?: (run: RunView) => void;
}

/** Asks until the run has ended. */
export async function followRun(
  client: Client,
  id: string,
  { waitSeconds = LONGEST_WAIT_SECONDS, onChange }: FollowOptions = {},
): Promise<RunView> {
  const path = `/api/v1/runs/${encodeURIComponent(id)}`;
  // At once, so that something is shown and a wrong id is told.
  let { data: run } = await client.get<RunView>(path);
  for (;;) {
    onChange?.(run);
    if (isOver(run)) return run;
    run = (await client.get<RunView>(`${path}?wait=${waitSeconds}`)).data;
  }
}
