// How fast a node gets hold of runs that are due: the two calls of the store that it makes for it, and nothing else.
import {
  newNodeId,
  newRunId,
  PRIORITIES,
  toShard,
  toTimestamp,
  type NodeId,
} from "@millrace/protocol";
import { randomInt } from "node:crypto";
import { openStorage, toUrl, type Place, type Storage } from "../engine/store.ts";
import { withClient } from "../../packages/engine/src/testkit/postgres/admin.ts";

export interface ClaimsOrder {
  readonly place: Place;
  readonly dueRuns: number;
  /** Claims stop after it, or when a fill has been claimed and the next would come. */
  readonly windowMs: number;
}

export interface ClaimsReport {
  readonly perSecond: number;
  readonly claimed: number;
  /** Mean of one claim: a find and a take. */
  readonly claimMs: number;
}

/** As the engine's claimer asks for them. */
const RUNS_PER_CLAIM = 500;
const BEAT_MS = 2_000;

/** Fills the store with due runs and claims them; a small fill is claimed and made again until the window is over. */
export async function claims(
  { place, dueRuns, windowMs }: ClaimsOrder,
  tell: (text: string) => void,
): Promise<ClaimsReport> {
  const storage = await openStorage(place);
  await storage.migrate();
  const node = newNodeId(toTimestamp(Date.now()), random);
  await storage.join({ id: node, host: "bench", pid: process.pid });
  const beat = setInterval(() => void storage.beat(node).catch(() => {}), BEAT_MS);
  try {
    const sum = { claims: 0, claimed: 0, ms: 0 };
    while (sum.ms < windowMs) {
      await fillWithDue(place, dueRuns, tell);
      await claimAll({ storage, node, untilMs: windowMs, sum });
      tell(`${sum.claimed.toLocaleString("en")} runs claimed`);
    }
    const { claims, claimed, ms } = sum;
    return { perSecond: (claimed * 1_000) / ms, claimed, claimMs: ms / claims };
  } finally {
    clearInterval(beat);
    await storage.close();
  }
}

interface Claiming {
  readonly storage: Storage;
  readonly node: NodeId;
  readonly untilMs: number;
  readonly sum: { claims: number; claimed: number; ms: number };
}

/** Until the time is over or nothing is due. */
async function claimAll({ storage, node, untilMs, sum }: Claiming): Promise<void> {
  while (sum.ms < untilMs) {
    const from = performance.now();
    const { runs } = await storage.findDue(null, RUNS_PER_CLAIM);
    const held = await storage.take(node, runs);
    sum.ms += performance.now() - from;
    sum.claims += 1;
    sum.claimed += held.length;
    if (held.length !== runs.length) throw new Error("a run was taken by somebody else");
    if (runs.length < RUNS_PER_CLAIM) return;
  }
}

const FILL_ROWS = 50_000;

/** New runs, in all classes of priority, one due after the other. */
async function fillWithDue(
  place: Place,
  count: number,
  tell: (text: string) => void,
): Promise<void> {
  await withClient(toUrl(place), async (client) => {
    const now = Date.now();
    for (let made = 0; made < count;) {
      const length = Math.min(FILL_ROWS, count - made);
      const rows = Array.from({ length }, (_, n) => {
        const at = now - count + made + n;
        const shard = toShard(random());
        return { id: newRunId(toTimestamp(at), shard, random), shard, at };
      });
      await client.query(INSERT, [
        rows.map(({ id }) => id),
        rows.map(({ shard }) => shard),
        rows.map(({ at }) => at),
        PRIORITIES.length,
      ]);
      made += length;
      tell(`${made.toLocaleString("en")} of ${count.toLocaleString("en")} runs are due`);
    }
    await client.query("vacuum analyze millrace.runs");
  });
}

const INSERT = `
insert into millrace.runs (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input,
  status, fence, wake, due_at, recoveries
)
select 'default', u.id, u.shard, 'wf_three_steps', 1, 'api', u.at % $4, 0, u.at, '{}', '{"n":1}',
  'pending', 1, 0, u.at, 0
from unnest($1::text[], $2::smallint[], $3::bigint[]) u(id, shard, at)`;

const random = (): number => randomInt(0, 2 ** 32);
