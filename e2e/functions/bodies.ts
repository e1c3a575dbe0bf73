// Step functions of the crash test. Each tells that it runs, in a line that is on the disk before the function does
// anything else, so that whoever reads the file after a crash knows every body that had begun.
import type { StepContext } from "@millrace/engine";
import { open, type FileHandle } from "node:fs/promises";

interface Value {
  readonly n: number;
}

let log: Promise<FileHandle> | undefined;

/** One write, so that a line is whole or missing. */
async function tell({ runId, step, attempt }: StepContext): Promise<void> {
  const file = await (log ??= open("bodies.log", "a"));
  await file.write(`${process.pid} ${runId} ${step} ${attempt}\n`);
  await file.sync();
}

export async function addOne({ n }: Value, context: StepContext): Promise<Value> {
  await tell(context);
  return { n: n + 1 };
}

export async function double({ n }: Value, context: StepContext): Promise<Value> {
  await tell(context);
  return { n: n * 2 };
}

export async function square({ n }: Value, context: StepContext): Promise<Value> {
  await tell(context);
  return { n: n * n };
}

/** The first attempt fails after it has told of itself. */
export async function addTenAtSecond({ n }: Value, context: StepContext): Promise<Value> {
  await tell(context);
  if (context.attempt === 1) throw new Error("the first attempt fails");
  return { n: n + 10 };
}
