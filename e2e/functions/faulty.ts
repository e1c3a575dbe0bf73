// Step functions that behave as badly as users' code can, and one that only takes long.
import type { StepContext } from "@millrace/engine";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { tell } from "./lines/tell.ts";

/** Begins, and ends when there is a file of this name in the working folder. */
export async function untilThere(
  { file }: { file: string },
  context: StepContext,
): Promise<object> {
  await tell(context);
  while (!existsSync(file)) await pause(5);
  return { file };
}

export const throwUndefined = (): void => {
  // oxlint-disable-next-line typescript/only-throw-error -- what it is there for
  throw undefined;
};

export const throwNull = (): void => {
  // oxlint-disable-next-line typescript/only-throw-error -- what it is there for
  throw null;
};

// oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what it is there for
export const rejectUndefined = (): Promise<void> => Promise.reject(undefined);

/** Leaves a rejected promise behind, and would go on for ever. */
export async function rejectAside(): Promise<void> {
  void Promise.reject(new Error("nobody looks at this promise"));
  await new Promise(() => {});
}

export const neverSettle = (): Promise<void> => new Promise(() => {});

/** Returns at once; what it began fails when the file is there. */
export function rejectLater({ file }: { file: string }): object {
  const fail = async (): Promise<never> => {
    while (!existsSync(file)) await pause(5);
    throw new Error("too late to fail anything");
  };
  void fail();
  return { done: true };
}

export const succeed = (): object => ({ done: true });
