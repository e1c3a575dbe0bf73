import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Latencies, type LatencySummary } from "./load/latencies.ts";

/** What one durable write of 8 KB takes on this disk, with nothing of ours around it. */
export interface DiskSpeed {
  readonly fdatasync: LatencySummary;
  /** What the SQLite in Node calls: it was built without the other. */
  readonly fsync: LatencySummary;
}

const BLOCK_BYTES = 8 * 1024;
/** Rewritten over and over, as a write-ahead log is, so that the file does not grow. */
const FILE_BLOCKS = 2_048;
const WARM_UP = 100;

/** The two calls in turn, so that what else the machine does meets both. */
export function measureDisk(folder: string, durationMs: number): DiskSpeed {
  const file = openSync(join(folder, "disk"), "w");
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  const data = new Latencies();
  const all = new Latencies();
  try {
    for (let n = 0; n < FILE_BLOCKS; n++) writeSync(file, block, 0, BLOCK_BYTES, n * BLOCK_BYTES);
    fsyncSync(file);
    const untilAt = performance.now() + durationMs;
    for (let n = 0; performance.now() < untilAt; n++) {
      const isAll = n % 2 === 1;
      const startedAt = performance.now();
      writeSync(file, block, 0, BLOCK_BYTES, (n % FILE_BLOCKS) * BLOCK_BYTES);
      if (isAll) fsyncSync(file);
      else fdatasyncSync(file);
      if (n >= WARM_UP) (isAll ? all : data).record(performance.now() - startedAt);
    }
  } finally {
    closeSync(file);
  }
  return { fdatasync: data.summarize(), fsync: all.summarize() };
}
