// Values for tests of this folder and of those above it; a field that a test does not name does not matter to it.
import {
  asJsonText,
  DEFAULT_TENANT,
  newRunId,
  toShard,
  toTimestamp,
  type JsonText,
  type Timestamp,
  type WorkflowId,
} from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import type { OperationBody, Program, Request } from "../core/program.ts";
import { DEFAULT_RETRY_POLICY } from "../core/retry.ts";
import type { RunHead } from "../core/run-head.ts";

/** Noon of a day in 2026. */
export const NOON: Timestamp = toTimestamp(1_795_176_000_000);

export function aHead(head: Partial<RunHead> = {}): RunHead {
  const shard = toShard(7);
  return {
    id: newRunId(NOON, shard, () => 42),
    shard,
    tenant: DEFAULT_TENANT,
    workspace: null,
    user: null,
    name: null,
    // An id of this form is what a caller may choose.
    workflowId: "wf_test" as WorkflowId,
    workflowVersion: 1,
    trigger: "api",
    priority: 1,
    input: asJsonText("{}"),
    metadata: asJsonText("{}"),
    parent: null,
    retryOf: null,
    depth: 0,
    caller: null,
    createdAt: NOON,
    deadlineAt: null,
    ...head,
  };
}

export const json = (value: unknown): JsonText => asJsonText(JSON.stringify(value));

export function aCall(call: Partial<Extract<OperationBody, { kind: "call" }>> = {}): OperationBody {
  return {
    kind: "call",
    executor: "function",
    target: "work",
    input: json(null),
    retry: DEFAULT_RETRY_POLICY,
    timeoutMs: 1_000,
    ...call,
  };
}

export const operation = (key: string, body: OperationBody = aCall()): Request => ({
  kind: "operation",
  key,
  body,
});

export const completed = (output: unknown = null): Outcome => ({
  status: "completed",
  output: json(output),
});

/** A program that asks for `first`, then for whatever `then` says at each settlement. */
export function aProgram(
  first: readonly Request[],
  then: (key: string, outcome: Outcome) => readonly Request[] = () => [],
): Program {
  return { begin: () => first, settled: then };
}
