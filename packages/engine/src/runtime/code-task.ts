// What a host is given of a run, and how the runner knows that it has done its part.
import {
  fromJsonText,
  type CodeTask,
  type CodeVersion,
  type OpenOperation,
  type Settlement,
  type Timestamp,
} from "@millrace/protocol";
import type { Effect } from "../core/fact.ts";
import { toOperationKind, type RunState } from "../core/state.ts";
import type { Held } from "../storage/storage.ts";
import type { ResidentRun } from "./resident-run.ts";

export function toCodeTask(
  { head, state, fence }: ResidentRun,
  { name: workflow, version }: CodeVersion,
  settled: readonly Settlement[],
): CodeTask {
  return {
    tenant: head.tenant,
    runId: head.id,
    workflow,
    version,
    input: head.input,
    // Checked to be an object of texts when the run was started.
    metadata: fromJsonText(head.metadata) as Readonly<Record<string, string>>,
    workspace: head.workspace,
    user: head.user,
    createdAt: head.createdAt,
    residence: fence,
    settled,
    open: listOpen(state),
    stop: state.stop,
  };
}

/** In the order in which they were asked for. */
export const listOpen = ({ open }: RunState): readonly OpenOperation[] =>
  Array.from(open, (operation) => ({
    key: operation.key,
    position: operation.position,
    kind: toOperationKind(operation),
  }));

/** A graph has no host. A function that waits for nothing durable is at something of its own: it stays. */
export function isHostDone({ state, session }: ResidentRun): boolean {
  if (!state.isHosted) return true;
  return session !== null && session.isIdle && state.open.size > 0;
}

export const tellsHost = ({ type }: Effect): boolean => type === "tell" || type === "tell.stop";

/** Messages that waited for the run become facts, each once. */
export function readInbox(run: ResidentRun, { inbox }: Held, at: Timestamp): void {
  for (const message of inbox) {
    (run.told ??= new Set()).add(message.id);
    run.facts.push({ type: "message.received", message, at });
  }
}
