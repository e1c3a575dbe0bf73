// What must move soon, while the store answers at once and a node that has room lives: within ten seconds a run whose
// node has died and a run that is due, and a little later a message that nobody carries.
import type { NodeId, RunId } from "@millrace/protocol";
import type { Tables } from "../storage/memory/tables.ts";
import type { RunRow } from "../storage/storage.ts";
import { isClear, type Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** A node as somebody sees it who stands outside. */
export interface Standing {
  /** Ready, not frozen, and with room for a run more. */
  readonly hasRoom: boolean;
  readonly nodeId: NodeId | null;
}

export interface RecoveryWatchOptions {
  readonly world: World;
  readonly tables: Tables;
  readonly weather: Weather;
  readonly nodes: () => readonly Standing[];
  readonly fail: (message: string) => void;
}

const RECOVERY_MS = 10_000;
/** Couriers leave each other time. */
const CARRY_MS = 15_000;
const LOOK_EVERY_MS = 500;

export class RecoveryWatch {
  readonly #options: RecoveryWatchOptions;
  /** Since when each run stands still, by what it stands still as. */
  #standing = new Map<RunId, { readonly as: string; readonly since: number }>();
  /** Since when each message is on its way. */
  #carried = new Map<string, number>();
  /** Nodes that have had room since then without a break. */
  #ready = new Map<NodeId, number>();

  constructor(options: RecoveryWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#look();
    this.#options.world.after(LOOK_EVERY_MS, null, () => this.start());
  }

  #look(): void {
    const { world, tables, weather, nodes, fail } = this.#options;
    const all = nodes();
    const living = new Set(all.map(({ nodeId }) => nodeId));
    if (!isClear(weather, world.now)) this.#ready.clear();
    else this.#lookAtNodes(all);
    const readySince = Math.min(...this.#ready.values());
    this.#lookAtOutbox(readySince);
    const before = this.#standing;
    this.#standing = new Map();
    for (const row of tables.runs.values()) {
      const as = toStandstill(row, living, tables, world.storeNow);
      if (as === null) continue;
      const known = before.get(row.id);
      const since = known?.as === as ? known.since : world.now;
      this.#standing.set(row.id, { as, since });
      const stoodMs = world.now - Math.max(since, readySince);
      if (stoodMs > RECOVERY_MS)
        fail(`run ${row.id} is ${as} and has not moved for ${Math.floor(stoodMs)} ms`);
    }
  }

  #lookAtOutbox(readySince: number): void {
    const { world, tables, fail } = this.#options;
    const before = this.#carried;
    this.#carried = new Map();
    for (const place of tables.outbox.keys()) {
      const since = before.get(place) ?? world.now;
      this.#carried.set(place, since);
      if (world.now - Math.max(since, readySince) > CARRY_MS)
        fail(`message ${place.split("\n").join("/")} stays in its outbox`);
    }
  }

  #lookAtNodes(nodes: readonly Standing[]): void {
    const ready = new Map<NodeId, number>();
    for (const { nodeId, hasRoom } of nodes) {
      if (nodeId === null || !hasRoom) continue;
      ready.set(nodeId, this.#ready.get(nodeId) ?? this.#options.world.now);
    }
    this.#ready = ready;
  }
}

/** null: somebody moves it, or it waits. A node that lived for a moment between two looks has another lease than before. */
function toStandstill(
  row: RunRow,
  living: ReadonlySet<NodeId | null>,
  { nodes }: Tables,
  storeNow: number,
): string | null {
  if (row.owner !== null) {
    if (living.has(row.owner)) return null;
    const leaseUntil = nodes.get(row.owner)?.leaseUntil ?? "none";
    return `owned by the dead ${row.owner} (lease until ${leaseUntil}) under ${row.fence}`;
  }
  return row.dueAt !== null && row.dueAt <= storeNow ? `due under fence ${row.fence}` : null;
}
