import type { StepContext } from "@millrace/engine";
import { open, type FileHandle } from "node:fs/promises";

let log: Promise<FileHandle> | undefined;

/** Says that a body has begun, in a line that is on the disk when this resolves: whole, or not there at all. */
export async function tell({ runId, step, attempt }: StepContext): Promise<void> {
  const file = await (log ??= open("bodies.log", "a"));
  await file.write(`${process.pid} ${runId} ${step} ${attempt}\n`);
  await file.sync();
}
