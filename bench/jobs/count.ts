// Opens a store in which nothing runs and counts what it holds, run by run.
import { DEFAULT_TENANT, type RunId } from "@millrace/protocol";
import { openStorage, type Place, type Storage } from "../engine/store.ts";

export interface CountOrder {
  readonly place: Place;
}

export interface Count {
  readonly runIds: readonly string[];
  readonly finished: number;
  readonly completed: number;
  /** Results in the journals of finished runs. */
  readonly steps: number;
  /** Finished runs whose journal does not hold each of its steps' results exactly once. */
  readonly malformed: readonly string[];
}

const PAGE = 1_000;
const STEPS = ["one", "two", "three"].join();

export async function count({ place }: CountOrder): Promise<Count> {
  const storage = await openStorage(place);
  try {
    await storage.migrate();
    return await countAll(storage);
  } finally {
    await storage.close();
  }
}

async function countAll(storage: Storage): Promise<Count> {
  const runIds: RunId[] = [];
  const malformed: string[] = [];
  const counts = { finished: 0, completed: 0, steps: 0 };
  for (let before: RunId | null = null; ;) {
    const query = { kind: "runs", tenant: DEFAULT_TENANT, before, limit: PAGE } as const;
    const answer: { readonly runs: readonly { readonly id: RunId }[] } = await storage.read(query);
    const page = answer.runs;
    const read = page.map(({ id: runId }) =>
      storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId }),
    );
    for (const found of await Promise.all(read)) {
      if (found === null || !("finished" in found)) continue;
      const results = found.journal.filter(({ kind }) => kind === "result");
      const keys = results.map((entry) => (entry.kind === "result" ? entry.key : ""));
      counts.finished += 1;
      counts.steps += results.length;
      if (found.finished.status === "completed") counts.completed += 1;
      if (keys.join() !== STEPS) malformed.push(found.finished.id);
    }
    runIds.push(...page.map(({ id }) => id));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { runIds, ...counts, malformed };
    before = last.id;
  }
}
