// The port over plain tables in memory: small, and right at sight. Several simulated nodes share
// one. It is also the second reading of the port, against which the conformance suite keeps the
// SQLite store.
//
// A call does everything at once, so nothing of it can be interrupted; delays, losses and crashes
// belong to whoever stands between a node and this store.
import { after, MillraceError, toTimestamp, type NodeId, type Timestamp } from "@millrace/protocol";
import { DEFAULT_LEASE_MS } from "../lease.ts";
import type { DueRun, Held, Hint, Hints, Pulse, ReapRequest, RunRef, Storage } from "../storage.ts";
import { forgetEvents } from "./apply-event-unit.ts";
import { applyUnit, type MemoryPlant } from "./apply-unit.ts";
import { createMemoryCatalog } from "./memory-catalog.ts";
import { createMemoryKeyWindows } from "./memory-key-windows.ts";
import { findDueRuns, readTables } from "./memory-reads.ts";
import { pruneAudit, pruneHistory } from "./prune.ts";
import { MOST_TAKEN_CHARACTERS } from "../take-budget.ts";
import {
  byText,
  createTables,
  findLive,
  inboxOf,
  inTransaction,
  journalOf,
  waitingIn,
  type Tables,
} from "./tables.ts";

export { MEMORY_PLANTS, type MemoryPlant } from "./apply-unit.ts";

export interface MemoryStorageOptions {
  /** The store's clock, epoch ms. */
  readonly now: () => number;
  /** Default `DEFAULT_LEASE_MS`. */
  readonly leaseMs?: number;
  /** Carries one hint to one listener: at once (the default), later or never. */
  readonly hint?: (listener: () => void) => void;
  readonly plant?: MemoryPlant;
}

export interface MemoryStorage extends Storage {
  /** What it holds, for a checker to look at. */
  readonly tables: Tables;
}

export function createMemoryStorage(options: MemoryStorageOptions): MemoryStorage {
  const { leaseMs = DEFAULT_LEASE_MS, hint = (listener) => listener(), plant } = options;
  const tables = createTables();
  const now = (): Timestamp => toTimestamp(options.now());
  const { wake, onWake } = createWakes(hint);
  const transact = async <T>(body: () => T): Promise<T> => inTransaction(tables, body);
  const renew = (node: NodeId): Timestamp => {
    tables.nodes.set(node, { leaseUntil: now() + leaseMs });
    return now();
  };
  const hints = createHints(hint);
  return {
    tables,
    lanes: 1,
    leaseMs,
    hints,
    catalog: createMemoryCatalog(tables, now),
    keyWindows: createMemoryKeyWindows(tables, now),
    migrate: () => Promise.resolve(),
    join: ({ id }) => transact(() => renew(id)),
    beat: (node) =>
      transact(() => {
        checkNode(tables, node);
        renew(node);
        return lookAround(tables, node, now());
      }),
    reap: async ({ auditMs, keepsHistory = false }: ReapRequest = { auditMs: null }) => {
      const reaped = await transact(() => {
        const freed = reap(tables, now(), plant);
        if (auditMs !== null) pruneAudit(tables, after(now(), -auditMs));
        return { freed, pruned: keepsHistory ? 0 : pruneHistory(tables, now()), isMore: false };
      });
      if (reaped.freed > 0) wake();
      return reaped;
    },
    commit: async (_lane, node, units) => {
      const context = { tables, node, now: now(), plant };
      const outcomes = await transact(() => {
        checkNode(tables, node);
        return units.map((unit) => applyUnit(unit, context));
      });
      wake();
      for (const unit of units)
        if (unit.kind === "delivery") tellOwner(unit.to, node, tables, hints);
      return outcomes;
    },
    findDue: async (shards, limit) => findDueRuns(tables, { shards, limit, now: now() }),
    take: (node, due) =>
      transact(() => {
        checkNode(tables, node);
        return takeSome(tables, node, due, now());
      }),
    // `readTables` answers each kind of query with its kind of answer, which its own type cannot
    // say.
    read: (async (query) => readTables(tables, query, now())) as Storage["read"],
    onWake,
    close: () => Promise.resolve(),
  };
}

/** Of a message that another node has delivered. */
function tellOwner(run: RunRef, sender: NodeId, tables: Tables, hints: Hints): void {
  const owner = findLive(tables, run)?.owner ?? null;
  if (owner !== null && owner !== sender) hints.tell(owner, { kind: "inbox", run });
}

function createWakes(
  carry: (listener: () => void) => void,
): Pick<Storage, "onWake"> & { readonly wake: () => void } {
  const listeners = new Set<() => void>();
  return {
    wake: () => {
      for (const listener of listeners) carry(listener);
    },
    onWake: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function createHints(carry: (listener: () => void) => void): Hints {
  const listeners = new Map<NodeId, (hint: Hint) => void>();
  return {
    travels: true,
    tell: (to, hint) => {
      for (const [node, hear] of listeners) if (to === null || to === node) carry(() => hear(hint));
    },
    listen: (node, hear) => {
      listeners.set(node, hear);
      return () => void listeners.delete(node);
    },
  };
}

function lookAround(tables: Tables, node: NodeId, now: Timestamp): Pulse {
  const { nodes, runs, outbox } = tables;
  const times = runs.values().flatMap(({ owner, dueAt }) => (owner === null ? (dueAt ?? []) : []));
  const ends = [...nodes.keys()].flatMap((id) =>
    id === node ? [] : (nodes.get(id)?.leaseUntil ?? []),
  );
  const isStray = runs.values().some(({ owner }) => owner !== null && !nodes.has(owner));
  return {
    now,
    dueAt: earliest(times),
    inbox: runs
      .values()
      .some(({ id, owner }) => owner === node && waitingIn(inboxOf(tables, id)).length > 0),
    outbox: outbox.size > 0,
    reapAt: isStray ? now : earliest(ends.map((end) => toTimestamp(end))),
    nodes: [...nodes.keys()]
      .filter((id) => (nodes.get(id)?.leaseUntil ?? 0) > now)
      .toSorted(byText),
  };
}

const earliest = (times: readonly Timestamp[]): Timestamp | null =>
  times.reduce<Timestamp | null>((best, it) => (best === null || it < best ? it : best), null);

function checkNode({ nodes }: Tables, node: NodeId): void {
  if (nodes.has(node)) return;
  const message = `Node ${node} has been declared dead, or has never joined; nothing was written`;
  throw new MillraceError("storage.fenced-node", message);
}

function reap(tables: Tables, now: Timestamp, plant: MemoryPlant | undefined): number {
  const { nodes, keys, runs } = tables;
  const dead = new Set(nodes.keys().filter((id) => (nodes.get(id)?.leaseUntil ?? 0) <= now));
  for (const id of dead) nodes.delete(id);
  const isOrphan = (owner: NodeId | null): boolean => {
    if (owner === null) return false;
    return plant === "reap-only-removed" ? dead.has(owner) : !nodes.has(owner);
  };
  const orphans = runs.values().filter(({ owner }) => isOrphan(owner));
  for (const row of orphans) {
    runs.set(row.id, { ...row, owner: null, dueAt: now, recoveries: row.recoveries + 1 });
  }
  for (const place of keys.keys()) {
    if ((keys.get(place)?.expiresAt ?? now) <= now) keys.delete(place);
  }
  forgetEvents(tables, now);
  return orphans.length;
}

function takeSome(
  tables: Tables,
  node: NodeId,
  due: readonly DueRun[],
  now: Timestamp,
): readonly Held[] {
  const held: Held[] = [];
  let weight = 0;
  for (const one of due) {
    const isLight = weight < MOST_TAKEN_CHARACTERS;
    const taken = isLight ? takeOne(tables, node, one, now) : findTaken(tables, node, one);
    if (taken === null) continue;
    weight += weigh(taken);
    held.push(taken);
  }
  return held;
}

/** Large inputs and results; the rest does not weigh much. */
const weigh = ({ run, journal }: Held): number =>
  journal.reduce(
    (sum, entry) => sum + (entry.kind === "result" ? entry.output.length : 0),
    run.input.length,
  );

/**
 * The answer of an earlier call was lost: the run is this node's, by the fence that this call would
 * have given.
 */
function findTaken(tables: Tables, node: NodeId, due: DueRun): Held | null {
  const row = findLive(tables, due);
  return row?.owner === node && row.fence === due.fence + 1 ? toHeld(tables, row) : null;
}

function takeOne(tables: Tables, node: NodeId, due: DueRun, now: Timestamp): Held | null {
  const row = findLive(tables, due);
  if (row?.owner !== null || row.fence !== due.fence) return findTaken(tables, node, due);
  const taken = {
    ...row,
    owner: node,
    fence: row.fence + 1,
    dueAt: null,
    waitingOn: null,
    status: "running",
    startedAt: row.startedAt ?? now,
  } as const;
  tables.runs.set(row.id, taken);
  return toHeld(tables, taken);
}

const toHeld = (tables: Tables, run: Held["run"]): Held => ({
  run,
  journal: journalOf(tables, run.id).map(({ entry }) => entry),
  inbox: waitingIn(inboxOf(tables, run.id)),
});
