// The log of a store that was killed, damaged while nobody has it open: what stands before the damage is there.
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DEFAULT_TENANT, type NodeId, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aRun, aStart } from "../suite/builders.ts";
import { createTestFolder } from "../suite/index.ts";
import type { TestFolder } from "../suite/test-folder.ts";
import { createSqliteStorage } from "./create-sqlite-storage.ts";

const NODE = "node_old" as NodeId;
const COMMITS = 6;
const RUNS_EACH = 3;

/** The file of the database, as a kill -9 leaves it, and what its log holds. */
interface Killed {
  readonly path: string;
  /** Of each commit, in order. */
  readonly runs: readonly (readonly RunId[])[];
  /** Of the log: where each commit begins, and where the last one ends. */
  readonly bounds: readonly number[];
}

async function writeAndKill(folder: TestFolder): Promise<Killed> {
  const [living, path] = [folder.file("living.db"), folder.file("killed.db")];
  const storage = await createSqliteStorage({ path: living });
  await storage.migrate();
  await storage.join({ id: NODE, host: "h", pid: 1 });
  const runs: RunId[][] = [];
  const bounds = [statSync(`${living}-wal`).size];
  for (let n = 0; n < COMMITS; n++) {
    const batch = Array.from({ length: RUNS_EACH }, () => aRun());
    const units = batch.map((run) => aStart(run));
    await storage.commit(0, NODE, units);
    runs.push(batch.map(({ id }) => id));
    bounds.push(statSync(`${living}-wal`).size);
  }
  // While it is open: whoever closes it moves the log into the database.
  for (const end of ["", "-wal"]) copyFileSync(`${living}${end}`, `${path}${end}`);
  await storage.close();
  return { path, runs, bounds };
}

/** Opens a damaged copy. @returns how many runs of each commit it has */
async function countRuns(
  { path, runs }: Killed,
  damage: (log: string) => void,
): Promise<readonly number[]> {
  const copy = `${path}-copy`;
  for (const end of ["", "-wal"]) copyFileSync(`${path}${end}`, `${copy}${end}`);
  damage(`${copy}-wal`);
  const storage = await createSqliteStorage({ path: copy });
  const counts: number[] = [];
  for (const ids of runs) {
    const read = (runId: RunId) => storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId });
    const found = await Promise.all(ids.map(read));
    counts.push(found.filter((run) => run !== null).length);
  }
  await storage.close();
  return counts;
}

const wholeUpTo = (commits: number): readonly number[] =>
  Array.from({ length: COMMITS }, (_, n) => (n < commits ? RUNS_EACH : 0));

/** From the log's beginning to its end, for each commit. */
const commits = (killed: Killed): readonly (readonly [n: number, from: number, to: number])[] =>
  killed.runs.map((_, n) => [n, killed.bounds[n] ?? 0, killed.bounds[n + 1] ?? 0]);

function flipBit(log: string, at: number): void {
  const bytes = readFileSync(log);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(log, bytes);
}

describe("a log that was damaged after a kill", () => {
  test("has each commit whole or not at all, wherever it is cut off (faults 4, 28)", async () => {
    using folder = createTestFolder();
    const killed = await writeAndKill(folder);
    expect(await countRuns(killed, () => {})).toEqual(wholeUpTo(COMMITS));
    for (const [n, from, to] of commits(killed)) {
      expect(to).toBeGreaterThan(from);
      const middle = Math.floor((from + to) / 2);
      for (const at of [from, from + 1, middle, to - 1]) {
        const counts = await countRuns(killed, (log) => truncateSync(log, at));
        expect(counts, `cut at ${at}`).toEqual(wholeUpTo(n));
      }
    }
  });

  test("ends before the commit in which a bit has flipped, and takes no later one (fault 28)", async () => {
    using folder = createTestFolder();
    const killed = await writeAndKill(folder);
    for (const [n, from, to] of commits(killed)) {
      const middle = Math.floor((from + to) / 2);
      const counts = await countRuns(killed, (log) => flipBit(log, middle));
      expect(counts, `flipped at ${middle}`).toEqual(wholeUpTo(n));
    }
  });
});
