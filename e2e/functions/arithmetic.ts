// Step functions of the crash test. Each says that it has begun before it does anything else.
import type { StepContext } from "@millrace/engine";
import { tell } from "./lines/tell.ts";

interface Value {
  readonly n: number;
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

/** The first attempt fails after it has begun. */
export async function addTenAtSecond({ n }: Value, context: StepContext): Promise<Value> {
  await tell(context);
  if (context.attempt === 1) throw new Error("the first attempt fails");
  return { n: n + 10 };
}
