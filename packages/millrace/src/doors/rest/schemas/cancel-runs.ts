import type { JsonSchema } from "../../../route.ts";
import {
  COUNT,
  described,
  FLAG,
  listOf,
  mapOf,
  NAME,
  oneOf,
  shown,
  taken,
  TEXT,
  titled,
} from "./json-schema.ts";

export const CANCEL_RUNS: JsonSchema = titled("CancelRuns", {
  ...taken({
    ids: { ...listOf(TEXT), minItems: 1, maxItems: 10_000 },
    workflowId: described("All live runs of this workflow: its id or slug.", NAME),
    metadata: {
      ...mapOf(TEXT),
      minProperties: 1,
      description: "All live runs that have all of these.",
    },
    all: { const: true, description: "All live runs." },
    reason: NAME,
  }),
  oneOf: ["ids", "workflowId", "metadata", "all"].map((name) => ({ required: [name] })),
  examples: [{ metadata: { team: "billing" } }],
});

export const CANCEL_OUTCOMES: JsonSchema = listOf(
  titled(
    "CancelOutcome",
    shown(
      {
        id: TEXT,
        status: oneOf("requested", "ended", "notFound", "failed"),
        error: shown({ code: TEXT, message: TEXT, reason: TEXT }),
      },
      ["error"],
    ),
  ),
);

export const CANCEL_META: JsonSchema = titled(
  "CancelCounts",
  shown({
    requested: COUNT,
    ended: COUNT,
    notFound: COUNT,
    failed: COUNT,
    isComplete: described("`false`: the server stopped before it had asked all; repeat.", FLAG),
  }),
);
