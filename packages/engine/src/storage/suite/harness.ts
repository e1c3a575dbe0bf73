// What a conformance test knows besides the port: a clock, two nodes that have joined and one that
// has not.
import { toTimestamp, type NodeId, type TenantId, type Timestamp } from "@millrace/protocol";
import { DEFAULT_LEASE_MS } from "../lease.ts";
import { shardOfUnit } from "../shard-of-unit.ts";
import type {
  CommitOutcome,
  Held,
  Lane,
  RunHead,
  Storage,
  Unit,
  UnreadableMessage,
} from "../storage.ts";
import { aStart, dueOf, T0 } from "./builders.ts";

export interface TestClock {
  now(): Timestamp;
  advance(ms: number): void;
}

export type NodeName = "a" | "b" | "stranger";

export interface Harness extends AsyncDisposable {
  readonly storage: Storage;
  readonly clock: TestClock;
  /** `a` and `b` are live members at the start; `stranger` never joined. */
  node(name: NodeName): NodeId;
  /** By node `a`, one commit a lane. */
  commit(...units: readonly Unit[]): Promise<readonly CommitOutcome[]>;
  /** One commit a lane. */
  commitBy(node: NodeId, ...units: readonly Unit[]): Promise<readonly CommitOutcome[]>;
  /** Runs that wait, due now. */
  seed(runs: readonly RunHead[]): Promise<void>;
  /** Runs that `a` owns, or `by`, in the order given. */
  seedHeld(runs: readonly RunHead[], options?: { readonly by: NodeId }): Promise<readonly Held[]>;
  /** A heartbeat of both members. */
  beat(): Promise<void>;
}

/** Opens an empty, isolated store. */
export type OpenStorage = () => Promise<Harness>;

export interface OpenedStorage {
  readonly storage: Storage;
  /** After the store was closed: removes what it left. */
  readonly remove?: () => void | Promise<void>;
}

/** @param open makes the store of one adapter, not migrated, with the clock that it is to use */
export function createOpenStorage(
  open: (now: () => number) => Promise<OpenedStorage>,
): OpenStorage {
  return async () => {
    let now = T0;
    const clock: TestClock = {
      now: () => now,
      advance: (ms) => {
        now = toTimestamp(now + ms);
      },
    };
    const { storage, remove } = await open(() => now);
    await storage.migrate();
    for (const name of ["a", "b"] as const) {
      await storage.join({ id: nodeId(name), host: "test-host", pid: 1 });
    }
    return createHarness(storage, clock, remove);
  };
}

function createHarness(
  storage: Storage,
  clock: TestClock,
  remove: OpenedStorage["remove"],
): Harness {
  const commitBy: Harness["commitBy"] = (node, ...units) => commitInLanes(storage, node, units);
  const commit: Harness["commit"] = (...units) => commitBy(nodeId("a"), ...units);
  const seed = async (runs: readonly RunHead[]): Promise<void> => {
    await commit(...runs.map((run) => aStart(run, { dueAt: clock.now() })));
  };
  return {
    storage,
    clock,
    node: nodeId,
    commit,
    commitBy,
    seed,
    seedHeld: async (runs, { by } = { by: nodeId("a") }) => {
      await seed(runs);
      return storage.take(
        by,
        runs.map((run) => dueOf(run)),
      );
    },
    beat: async () => {
      await storage.beat(nodeId("a"));
      await storage.beat(nodeId("b"));
    },
    [Symbol.asyncDispose]: async () => {
      await storage.close();
      await remove?.();
    },
  };
}

/** As the engine does: what is in a commit is of one lane. */
async function commitInLanes(
  storage: Storage,
  node: NodeId,
  units: readonly Unit[],
): Promise<readonly CommitOutcome[]> {
  if (storage.lanes === 1 || units.length === 0) return storage.commit(0, node, units);
  const lanes = Map.groupBy(units.keys(), (i) => laneOf(storage, units[i]));
  const outcomes = new Map<number, CommitOutcome>();
  for (const [lane, places] of lanes) {
    const sent = places.flatMap((i) => units[i] ?? []);
    const answers = await storage.commit(lane, node, sent);
    for (const [n, i] of places.entries()) if (answers[n]) outcomes.set(i, answers[n]);
  }
  return [...units.keys()].flatMap((i) => outcomes.get(i) ?? []);
}

/** @throws {Error} it cannot be read */
export function messageOf<T>(row: { readonly message: T } | UnreadableMessage | undefined): T {
  if (row !== undefined && "message" in row) return row.message;
  throw new Error(row?.unreadable ?? "there is no such message");
}

const laneOf = ({ lanes }: Storage, unit: Unit | undefined): Lane =>
  unit === undefined ? 0 : shardOfUnit(unit) % lanes;

// A test's own names: no other place makes them.
const nodeId = (name: NodeName): NodeId => `node_${name}` as NodeId;
export const OTHER_TENANT: TenantId = "other" as TenantId;

/** Longer than any node lives without a heartbeat. */
export const LEASE_MS: number = DEFAULT_LEASE_MS;

/** The only element; a test that finds none or two has failed. */
export function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined || items.length !== 1)
    throw new Error(`expected one, found ${items.length}`);
  return first;
}
