// Which statuses a workflow goes through: `draft` → `active` ⇄ `paused`, and from anywhere to `archived`, for good.
import { MillraceError, type WorkflowStatus } from "@millrace/protocol";

export const WORKFLOW_MOVES = ["activate", "pause", "resume", "archive"] as const;
export type WorkflowMove = (typeof WORKFLOW_MOVES)[number];

const TARGETS: Readonly<Record<WorkflowMove, WorkflowStatus>> = {
  activate: "active",
  pause: "paused",
  resume: "active",
  archive: "archived",
};

/**
 * The status after a move. A workflow that is there already stays as it is.
 *
 * @throws {MillraceError} workflow.archived, workflow.wrong-status
 */
export function moveStatus(id: string, status: WorkflowStatus, move: WorkflowMove): WorkflowStatus {
  const target = TARGETS[move];
  if (status === target) return status;
  if (status === "archived") throw archived(id);
  if (status === "draft" && (move === "pause" || move === "resume")) {
    throw new MillraceError(
      "workflow.wrong-status",
      `Workflow ${id} is a draft, which has nothing to ${move}; activate it`,
    );
  }
  return target;
}

export const archived = (id: string): MillraceError =>
  new MillraceError("workflow.archived", `Workflow ${id} is archived and cannot be changed`);
