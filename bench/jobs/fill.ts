// Fills a store with finished runs, through the storage port in large commits: a run made by the engine is copied, so
// that rows look as the engine writes them, at several times its speed.
import {
  DEFAULT_TENANT,
  newNodeId,
  newRunId,
  toShard,
  toTimestamp,
  type RunId,
} from "@millrace/protocol";
import { randomInt } from "node:crypto";
import { fillHistory } from "../postgres/fill-history.ts";
import * as functions from "../functions/three-steps.ts";
import { THREE_STEPS } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { toRunId, toStart } from "../engine/start-and-wait.ts";
import { openStorage, type Place, type Storage, type Unit } from "../engine/store.ts";

export interface FillOrder {
  readonly place: Place;
  readonly finishedRuns: number;
}

export interface Filled {
  readonly seconds: number;
}

const RUNS_PER_COMMIT = 2_000;
/** One is encoded while the other is written. */
const COMMITS_IN_FLIGHT = 2;
/** The runs are spread evenly over this time before now. */
const HISTORY_MS = 30 * 24 * 60 * 60 * 1_000;

export async function fill(order: FillOrder, tell: (text: string) => void): Promise<Filled> {
  const { place, finishedRuns } = order;
  const startedAt = performance.now();
  const modelId = await makeModel(place);
  if (place.store === "postgres") {
    const { url } = place;
    const untilMs = Date.now();
    const fromMs = untilMs - HISTORY_MS;
    await fillHistory({ url, modelId, count: finishedRuns, fromMs, untilMs, tell });
  } else {
    await commitCopies(order, modelId, tell);
  }
  return { seconds: (performance.now() - startedAt) / 1_000 };
}

async function commitCopies(
  { place, finishedRuns }: FillOrder,
  modelId: RunId,
  tell: (text: string) => void,
): Promise<void> {
  const storage = await openStorage(place);
  await storage.migrate();
  const model = await readModel(storage, modelId);
  const node = newNodeId(toTimestamp(Date.now()), random);
  await storage.join({ id: node, host: "bench", pid: process.pid });
  const endAt = Date.now();
  let made = 0;
  const lane = async (): Promise<void> => {
    while (made < finishedRuns) {
      const units: Unit[] = [];
      for (const until = Math.min(made + RUNS_PER_COMMIT, finishedRuns); made < until; made++) {
        const at = endAt - HISTORY_MS + Math.floor((HISTORY_MS * made) / finishedRuns);
        units.push(...copyOf(model, node, at));
      }
      const outcomes = await storage.commit(0, node, units);
      if (outcomes.some(({ kind }) => kind !== "done")) throw new Error("a copied run was refused");
      tell(`${made.toLocaleString("en")} of ${finishedRuns.toLocaleString("en")} runs`);
    }
  };
  const beat = setInterval(() => void storage.beat(node).catch(() => {}), 1_000);
  await Promise.all(Array.from({ length: COMMITS_IN_FLIGHT }, lane));
  clearInterval(beat);
  await storage.close();
}

async function makeModel(place: Place): Promise<RunId> {
  await using opened = await openEngine({ place, functions });
  const { engine } = opened;
  await installWorkflow(engine, THREE_STEPS);
  const [outcome] = await engine.startRuns([toStart(THREE_STEPS.id, 1)]);
  const runId = toRunId(outcome);
  await engine.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 10_000 });
  return runId;
}

type Model = Awaited<ReturnType<typeof readModel>>;

async function readModel(storage: Storage, runId: RunId) {
  const found = await storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId });
  if (found === null || !("finished" in found)) throw new Error("the run to copy has not finished");
  return found;
}

/** A start and the end of the same run, in one transaction. */
function copyOf(
  { finished, journal }: Model,
  node: ReturnType<typeof newNodeId>,
  atMs: number,
): Unit[] {
  const at = toTimestamp(atMs);
  const shard = toShard(random());
  const id = newRunId(at, shard, random);
  const run = { ...finished, id, shard, createdAt: at };
  const history = { ...run, startedAt: at, finishedAt: at };
  const ref = { tenant: run.tenant, shard, runId: id };
  return [
    {
      kind: "start",
      run,
      owner: node,
      dueAt: at,
      waitingOn: null,
      key: null,
      workflowRevision: null,
      entries: [],
      audit: null,
    },
    {
      kind: "run",
      ref,
      fence: 1,
      sequence: 1,
      entries: journal,
      outbox: [],
      consumed: [],
      recovered: false,
      next: { kind: "finish", history, journal, expiresOn: null },
    },
  ];
}

const random = (): number => randomInt(0, 2 ** 32);
