import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Latencies, type LatencySummary } from "./load/latencies.ts";

const BLOCK_BYTES = 8 * 1024;
/** Rewritten over and over, as a write-ahead log is, so that the file does not grow. */
const FILE_BLOCKS = 2_048;
const WARM_UP = 100;

/** What one durable write of 8 KB takes on this disk, with nothing of ours around it. */
export function measureSync(folder: string, durationMs: number): LatencySummary {
  const file = openSync(join(folder, "sync"), "w");
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  const latencies = new Latencies();
  try {
    for (let n = 0; n < FILE_BLOCKS; n++) writeSync(file, block, 0, BLOCK_BYTES, n * BLOCK_BYTES);
    fdatasyncSync(file);
    const untilAt = performance.now() + durationMs;
    for (let n = 0; performance.now() < untilAt; n++) {
      const startedAt = performance.now();
      writeSync(file, block, 0, BLOCK_BYTES, (n % FILE_BLOCKS) * BLOCK_BYTES);
      fdatasyncSync(file);
      if (n >= WARM_UP) latencies.record(performance.now() - startedAt);
    }
  } finally {
    closeSync(file);
  }
  return latencies.summarize();
}
