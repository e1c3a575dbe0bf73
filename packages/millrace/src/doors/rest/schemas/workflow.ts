import { WORKFLOW_KINDS, WORKFLOW_STATUSES } from "@millrace/protocol";
import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import { ISSUE } from "./envelope.ts";
import {
  anyJson,
  described,
  FLAG,
  INSTANT,
  listOf,
  NAME,
  oneOf,
  ORDINAL,
  orNull,
  shown,
  TEXT,
  titled,
} from "./json-schema.ts";

/** Name of the component that the engine's own schema becomes. */
export const DEFINITION_COMPONENT = "WorkflowDefinition";

const DEFINITION: JsonSchema = { $ref: `#/components/schemas/${DEFINITION_COMPONENT}` };

export const WORKFLOW_PARAMS: ParameterSchemas = {
  id: described("Id or slug of the workflow.", TEXT),
};

export const WORKFLOW: JsonSchema = titled("Workflow", {
  description: "The definition's own fields, and ours.",
  ...shown(
    {
      id: described("`wf_…`", TEXT),
      slug: described("Made from the first name; addresses the workflow as its id does.", TEXT),
      kind: oneOf(...WORKFLOW_KINDS),
      codeVersion: described("Of code: the version that its author gave it.", TEXT),
      status: oneOf(...WORKFLOW_STATUSES),
      version: ORDINAL,
      name: TEXT,
      description: TEXT,
      steps: { type: "array", items: { type: "object" } },
      createdAt: INSTANT,
      updatedAt: INSTANT,
    },
    ["description", "codeVersion"],
  ),
});

const CHANGE_SUMMARY: JsonSchema = {
  description: "What its author says of this version.",
  type: "string",
  maxLength: 1_000,
};

/** The definition, beside which other fields may stand. */
const definitionWith = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  allOf: [DEFINITION, { type: "object", properties }],
  unevaluatedProperties: false,
});

const DOUBLE = {
  name: "Double",
  steps: [{ id: "twice", type: "transform", config: { mapping: { of: "{{input.n}}" } } }],
};

export const WORKFLOW_TO_CREATE: JsonSchema = titled("WorkflowToCreate", {
  ...definitionWith({
    id: {
      description: "Chosen by you; without it one is made.",
      type: "string",
      pattern: "^wf_[a-z0-9_]{1,200}$",
    },
    changeSummary: CHANGE_SUMMARY,
  }),
  examples: [DOUBLE],
});

const EXPECTED_VERSION: JsonSchema = described(
  "409 `workflow.changed` if the workflow has another version by now.",
  ORDINAL,
);

/** Beside it may stand all that a workflow is shown with. */
export const WORKFLOW_TO_EDIT: JsonSchema = titled("WorkflowToEdit", {
  ...definitionWith({
    id: described("If it is there, the workflow's own.", NAME),
    changeSummary: CHANGE_SUMMARY,
    expectedVersion: EXPECTED_VERSION,
    version: described("Counts as `expectedVersion`, if that is not there.", ORDINAL),
    slug: anyJson("Not looked at."),
    kind: anyJson("Not looked at."),
    status: anyJson("Not looked at."),
    createdAt: anyJson("Not looked at."),
    updatedAt: anyJson("Not looked at."),
  }),
  examples: [DOUBLE],
});

export const RESTORE_FIELDS: JsonSchema = titled("Restore", {
  type: "object",
  properties: { changeSummary: CHANGE_SUMMARY, expectedVersion: EXPECTED_VERSION },
  additionalProperties: false,
});

export const DEFINITION_CHECK: JsonSchema = titled(
  "DefinitionCheck",
  shown({ valid: FLAG, errors: listOf(ISSUE), warnings: listOf(ISSUE) }),
);

const VERSION_FIELDS = {
  workflowId: TEXT,
  version: ORDINAL,
  name: TEXT,
  changeSummary: orNull(TEXT),
  codeVersion: described("Of code: the version that its author gave it.", TEXT),
  createdAt: INSTANT,
};

export const VERSION_SUMMARY: JsonSchema = titled(
  "VersionSummary",
  shown(VERSION_FIELDS, ["codeVersion"]),
);

export const VERSION: JsonSchema = titled(
  "Version",
  shown({ ...VERSION_FIELDS, definition: DEFINITION }, ["codeVersion"]),
);

export const VERSION_PARAMS: ParameterSchemas = {
  ...WORKFLOW_PARAMS,
  n: described("Number of the version.", ORDINAL),
};
