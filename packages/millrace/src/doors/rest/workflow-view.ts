import {
  toIso,
  type Definition,
  type Workflow,
  type WorkflowStatus,
  type WorkflowVersion,
} from "@millrace/protocol";

/** A workflow as REST v1 shows it: its definition's own fields between ours. */
export interface WorkflowView extends Definition {
  readonly id: string;
  readonly slug: string;
  readonly kind: Workflow["kind"];
  readonly status: WorkflowStatus;
  readonly version: number;
  /** Of code: the version that its author gave it. */
  readonly codeVersion?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function toWorkflowView(workflow: Workflow): WorkflowView {
  const { id, slug, kind, status, version, definition, code, createdAt, updatedAt } = workflow;
  return {
    ...definition,
    id,
    slug,
    kind,
    status,
    version,
    ...(code === null ? {} : { codeVersion: code.version }),
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}

/** A version in a list: without its definition, which may be long. */
export interface VersionSummaryView {
  readonly workflowId: string;
  readonly version: number;
  readonly name: string;
  readonly changeSummary: string | null;
  readonly codeVersion?: string;
  readonly createdAt: string;
}

export interface VersionView extends VersionSummaryView {
  /** As it may be sent back. */
  readonly definition: Definition;
}

export const toVersionSummaryView = (version: WorkflowVersion): VersionSummaryView => ({
  workflowId: version.workflowId,
  version: version.version,
  name: version.definition.name,
  changeSummary: version.changeSummary,
  ...(version.code === null ? {} : { codeVersion: version.code.version }),
  createdAt: toIso(version.createdAt),
});

export const toVersionView = (version: WorkflowVersion): VersionView => ({
  ...toVersionSummaryView(version),
  definition: version.definition,
});
