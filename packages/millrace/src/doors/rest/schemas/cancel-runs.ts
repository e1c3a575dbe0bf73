import type { JsonSchema } from "../../../route.ts";
import {
  COUNT,
  described,
  FLAG,
  listOf,
  mapOf,
  NAME,
  oneOf,
  ORDINAL,
  orNull,
  shown,
  taken,
  TEXT,
  titled,
} from "./json-schema.ts";

export const CANCEL_RUNS: JsonSchema = titled("CancelRuns", {
  ...taken({
    ids: { ...listOf(TEXT), minItems: 1, maxItems: 10_000 },
    workflowId: described("All live runs of this workflow: its id or slug.", NAME),
    idStartsWith: described("All live runs whose id begins so.", NAME),
    metadata: {
      ...mapOf(TEXT),
      minProperties: 1,
      description: "All live runs that have all of these.",
    },
    all: { const: true, description: "All live runs." },
    reason: NAME,
    dryRun: described("Counts those that would be asked, and asks nobody.", FLAG),
    limit: described("Ends once so many runs, or up to 999 more, were looked at.", {
      ...ORDINAL,
      maximum: Number.MAX_SAFE_INTEGER,
    }),
    cursor: described("`meta.cursor` of an answer: goes on there.", TEXT),
  }),
  oneOf: ["ids", "workflowId", "idStartsWith", "metadata", "all"].map((name) => ({
    required: [name],
  })),
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
    isComplete: described(
      "`false`: `limit`, or the server's stop, came before the last one.",
      FLAG,
    ),
    cursor: described("Where to go on. `null`: it is complete.", orNull(TEXT)),
  }),
);
