import { after, type Timestamp } from "@millrace/protocol";
import { KEEP_ON_MS } from "../pruning.ts";
import type { FinishedRun, Tables } from "./tables.ts";

/** @returns how many runs were removed */
export function pruneHistory(tables: Tables, now: Timestamp): number {
  let pruned = 0;
  for (const past of tables.history.values()) {
    if (past.expiresOn === null || past.expiresOn > now) continue;
    if (isUnderWay(past, tables)) {
      tables.history.set(past.run.id, { ...past, expiresOn: after(now, KEEP_ON_MS) });
    } else {
      tables.history.delete(past.run.id);
      pruned += 1;
    }
  }
  return pruned;
}

const isUnderWay = ({ run }: FinishedRun, { outbox }: Tables): boolean =>
  outbox.values().some(({ from, message }) => {
    if (from.tenant !== run.tenant) return false;
    if (from.runId === run.id) return true;
    const { to, content } = message;
    return from.runId === run.parent?.runId && to.runId === run.id && content.kind === "start";
  });

export function pruneAudit({ audit }: Tables, until: Timestamp): void {
  for (const place of audit.keys()) {
    if ((audit.get(place)?.at ?? until) < until) audit.delete(place);
  }
}
