import type { StepContext } from "@millrace/engine";
import { open, type FileHandle } from "node:fs/promises";

let log: Promise<FileHandle> | undefined;

/**
 * Says that a body has begun, in a line that is on the disk when this resolves. SIGKILL can tear a write, so a line is
 * whole only with its last word, and begins anew whatever was torn before it.
 */
export async function tell({
  runId,
  step,
  attempt,
}: Pick<StepContext, "step" | "attempt"> & { readonly runId: string }): Promise<void> {
  const file = await (log ??= open("bodies.log", "a"));
  await file.write(`\n${process.pid} ${runId} ${step} ${attempt} begins\n`);
  await file.sync();
}
