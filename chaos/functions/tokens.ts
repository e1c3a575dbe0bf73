// Step functions of the nodes. Each says that it has begun, with a token that no other body has, and returns the token.
import type { StepContext } from "@millrace/engine";
import { randomUUID } from "node:crypto";
import { tellBody } from "../body-log.ts";

export interface Token {
  readonly token: string;
}

export function leaveToken(_input: unknown, context: StepContext): Token {
  const { runId, step, attempt, idempotencyKey: key } = context;
  const token = randomUUID();
  tellBody({ pid: process.pid, runId, step, attempt, key, token });
  return { token };
}

export function failFirst(input: unknown, context: StepContext): Token {
  const left = leaveToken(input, context);
  if (context.attempt === 1) throw new Error("the first attempt fails");
  return left;
}

/** Nothing else happens in the process meanwhile. */
export function compute({ ms }: { readonly ms: number }, context: StepContext): Token {
  const left = leaveToken(null, context);
  const until = performance.now() + ms;
  while (performance.now() < until);
  return left;
}
