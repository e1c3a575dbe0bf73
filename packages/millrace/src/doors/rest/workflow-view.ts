import { toIso, type Definition, type Workflow, type WorkflowStatus } from "@millrace/protocol";

/** A workflow as REST v1 shows it: its definition's own fields between ours. */
export interface WorkflowView extends Definition {
  readonly id: string;
  readonly slug: string;
  readonly kind: Workflow["kind"];
  readonly status: WorkflowStatus;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function toWorkflowView(workflow: Workflow): WorkflowView {
  const { id, slug, kind, status, version, definition, createdAt, updatedAt } = workflow;
  return {
    ...definition,
    id,
    slug,
    kind,
    status,
    version,
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}
