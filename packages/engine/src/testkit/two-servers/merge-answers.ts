// What two halves of a store answer, as one answer. Each half answers for its own shards.
import type { Timestamp } from "@millrace/protocol";
import type { AuditPage } from "../../storage/catalog.ts";
import type { Answers, Pulse, Reaped, RunPage } from "../../storage/storage.ts";

export function mergePulses(pulses: readonly [Pulse, ...Pulse[]]): Pulse {
  return {
    // Of the first server: nodes take one clock for the store's.
    now: pulses[0].now,
    dueAt: earliest(pulses.map(({ dueAt }) => dueAt)),
    inbox: pulses.some(({ inbox }) => inbox),
    outbox: pulses.some(({ outbox }) => outbox),
    reapAt: earliest(pulses.map(({ reapAt }) => reapAt)),
    nodes: pulses[0].nodes.filter((node) => pulses.every(({ nodes }) => nodes.includes(node))),
  };
}

export const mergeReaped = (all: readonly Reaped[]): Reaped => ({
  freed: sum(all.map(({ freed }) => freed)),
  pruned: sum(all.map(({ pruned }) => pruned)),
  isMore: all.some(({ isMore }) => isMore),
});

export const mergeCounts = (all: readonly Answers["counts"][]): Answers["counts"] => ({
  live: sum(all.map(({ live }) => live)),
  due: sum(all.map(({ due }) => due)),
  finished: sum(all.map(({ finished }) => finished)),
  outbox: sum(all.map(({ outbox }) => outbox)),
});

/** Newest first. Where one was left off, the other's rows beyond that place wait for the next page. */
export function mergeRuns(pages: readonly RunPage[], limit: number): RunPage {
  const left =
    pages
      .flatMap(({ next }) => next ?? [])
      .toSorted()
      .at(-1) ?? null;
  const runs = pages
    .flatMap((page) => page.runs)
    .filter(({ id }) => left === null || id >= left)
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
  return { runs: runs.slice(0, limit), next: runs.length >= limit ? null : left };
}

/** As `mergeRuns`. */
export function mergeAudits(pages: readonly AuditPage[], limit: number): AuditPage {
  const ends = pages.flatMap(({ next }) => next ?? []);
  const left = ends.length === 0 ? null : Math.max(...ends);
  const rows = pages
    .flatMap((page) => page.rows)
    .filter(({ sequence }) => left === null || sequence >= left)
    .toSorted((a, b) => b.sequence - a.sequence);
  return { rows: rows.slice(0, limit), next: rows.length >= limit ? null : left };
}

export const earliest = (times: readonly (Timestamp | null)[]): Timestamp | null =>
  times.reduce((best, at) => (best === null || (at !== null && at < best) ? at : best), null);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, n) => all + n, 0);
