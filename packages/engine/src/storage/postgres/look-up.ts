// Why units wrote nothing: read only then, so it costs the hot path nothing. What is found is durable, since the
// writes that it explains waited for it.
import type { NodeId, RunId } from "@millrace/protocol";
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import type { CommitOutcome, DeliveryUnit, RunRef, RunUnit, StartUnit } from "../storage.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import type { Fly } from "./database.ts";
import { bind, nowOr, statement } from "./statement.ts";

/** `null`: nothing explains it, or not any more; send the unit again. */
export type Explained = CommitOutcome | null;

const START_KINDS: readonly ColumnKind[] = [
  ...(["int", "text", "text", "small", "text", "text", "text"] as const),
];
const LOOK_UP_STARTS = statement(
  "look_up_starts",
  `select u.at, k.run, k.payload_hash,
  case when k.run is null then 0 else (
    select count(*) from millrace.history f
    where f.tenant = u.tenant and f.id = k.run and f.shard = u.shard and f.status is not distinct from 'failed'
  ) end,
  r.fence, r.owner, h.fence, n.id
from ${unnest(START_KINDS)} u(at, tenant, id, shard, scope, key, name)
left join millrace.keys k
  on k.tenant = u.tenant and k.scope = u.scope and k.key = u.key and k.shard = u.shard
  and k.expires_at + 0 > ${nowOr("$8")}
left join millrace.runs r on r.tenant = u.tenant and r.id = u.id and r.shard = u.shard
left join millrace.history h on h.tenant = u.tenant and h.id = u.id and h.shard = u.shard
left join millrace.runs n
  on n.tenant = u.tenant and n.name = u.name and n.shard = u.shard and n.id <> u.id`,
);

const DONE: CommitOutcome = { kind: "done" };
const LOST: CommitOutcome = { kind: "lost" };

/** @returns what others or earlier sendings have decided; null where nothing is there */
export async function lookUpStarts(
  fly: Fly,
  units: readonly StartUnit[],
  now: number | null,
): Promise<readonly Explained[]> {
  if (units.length === 0) return [];
  const batch = new Batch(...START_KINDS);
  for (const [at, { run, key }] of units.entries()) {
    const { tenant, id, shard, name } = run;
    batch.add([at, tenant, id, shard, key?.scope ?? null, key?.key ?? null, name]);
  }
  const [rows = []] = await fly(bind(LOOK_UP_STARTS, ...batch.toArrays(), now));
  return byPlace(units, rows, explainStart);
}

function explainStart({ run, owner, key }: StartUnit, from: Cursor): Explained {
  const [keyRun, payloadHash, failed] = [from.textOrNull(), from.textOrNull(), from.number()];
  const [runFence, runOwner] = [from.numberOrNull(), from.textOrNull()];
  const isFinished = from.numberOrNull() !== null;
  const named = from.textOrNull();
  const mayBeTaken = key?.reusesAfterFailure === true && failed > 0;
  if (keyRun !== null && keyRun !== run.id && !mayBeTaken)
    return { kind: "existing", runId: keyRun as RunId, payloadHash };
  // A repeat that its node owns since then is done: the node must hear so, or nobody would move the run.
  if (runFence === 1 && runOwner !== null && runOwner === owner) return DONE;
  if (runFence !== null || isFinished)
    return { kind: "existing", runId: run.id, payloadHash: null };
  return named === null ? null : { kind: "named", runId: named as RunId };
}

const UNIT_KINDS: readonly ColumnKind[] = ["int", "text", "text", "small", "int"];
const LOOK_UP_RUN_UNITS = statement(
  "look_up_run_units",
  `select u.at, r.fence, r.owner, j.fence, h.fence
from ${unnest(UNIT_KINDS)} u(at, tenant, run, shard, sequence)
left join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard
left join millrace.journal j
  on j.tenant = u.tenant and j.run = u.run and j.sequence = u.sequence and j.shard = u.shard
left join millrace.history h on h.tenant = u.tenant and h.id = u.run and h.shard = u.shard`,
);

/** @returns done: applied before; lost: the run is another's; null: the run is `node`'s and the unit not applied */
export async function lookUpRunUnits(
  fly: Fly,
  units: readonly RunUnit[],
  node: string,
): Promise<readonly Explained[]> {
  if (units.length === 0) return [];
  const batch = new Batch(...UNIT_KINDS);
  for (const [at, { ref, sequence }] of units.entries())
    batch.add([at, ref.tenant, ref.runId, ref.shard, sequence]);
  const [rows = []] = await fly(bind(LOOK_UP_RUN_UNITS, ...batch.toArrays()));
  return byPlace(units, rows, (unit, from) => explainRunUnit(unit, from, node));
}

function explainRunUnit({ fence, entries, next }: RunUnit, from: Cursor, node: string): Explained {
  const [runFence, owner] = [from.numberOrNull(), from.textOrNull()];
  const [entryFence, historyFence] = [from.numberOrNull(), from.numberOrNull()];
  if (runFence === null) return historyFence === fence ? DONE : LOST;
  const hasEntries = entries.length > 0 && next.kind !== "finish";
  if (hasEntries && entryFence === fence) return DONE;
  if (runFence !== fence) return LOST;
  // Given up under this very fence, and no entry to tell by: it was this park that did it.
  if (owner === null) return next.kind === "park" && !hasEntries ? DONE : LOST;
  return owner === node ? null : LOST;
}

const DELIVERY_KINDS: readonly ColumnKind[] = ["int", "text", "text", "small", "text"];
const LOOK_UP_DELIVERIES = statement(
  "look_up_deliveries",
  `select u.at, i.arrival, h.fence, r.fence, r.owner
from ${unnest(DELIVERY_KINDS)} u(at, tenant, run, shard, message)
left join millrace.inbox i
  on i.tenant = u.tenant and i.run = u.run and i.id = u.message and i.shard = u.shard
left join millrace.history h on h.tenant = u.tenant and h.id = u.run and h.shard = u.shard
left join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard`,
);

/** @param repeated hears of a message that was stored before, and whose owner may not have heard of it; null: none */
export async function lookUpDeliveries(
  fly: Fly,
  units: readonly DeliveryUnit[],
  repeated: (to: RunRef, owner: NodeId | null) => void,
): Promise<readonly Explained[]> {
  if (units.length === 0) return [];
  const batch = new Batch(...DELIVERY_KINDS);
  for (const [at, { to, message }] of units.entries())
    batch.add([at, to.tenant, to.runId, to.shard, message.id]);
  const [rows = []] = await fly(bind(LOOK_UP_DELIVERIES, ...batch.toArrays()));
  return byPlace(units, rows, ({ to }, from) => {
    const [arrival, historyFence] = [from.numberOrNull(), from.numberOrNull()];
    const runFence = from.numberOrNull();
    if (arrival !== null) {
      // Written as an id.
      repeated(to, from.textOrNull() as NodeId | null);
      return DONE;
    }
    if (historyFence !== null) return { kind: "refused", code: "run.finished" };
    return runFence === null ? { kind: "refused", code: "run.not-found" } : null;
  });
}

/** @param rows each begins with the place of its unit */
function byPlace<T>(
  units: readonly T[],
  rows: readonly Row[],
  explain: (unit: T, from: Cursor) => Explained,
): readonly Explained[] {
  const found = new Map<Cell, Row>(rows.map((row) => [row[0] ?? null, row]));
  return units.map((unit, at) => {
    const row = found.get(at);
    return row === undefined ? null : explain(unit, new Cursor(row.slice(1)));
  });
}
