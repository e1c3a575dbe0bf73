import type { JsonSchema } from "../../../route.ts";
import { ISSUE } from "./envelope.ts";
import {
  COUNT,
  described,
  FLAG,
  listOf,
  NAME,
  oneOf,
  shown,
  taken,
  TEXT,
  titled,
} from "./json-schema.ts";
import { RUN_INPUT, START_FIELDS } from "./run.ts";

const ITEM: JsonSchema = titled(
  "BatchItem",
  taken({
    input: RUN_INPUT,
    idempotencyKey: NAME,
    reuseAfterFailure: described("The key does not count if the run it started has failed.", FLAG),
    metadata: {
      type: "object",
      maxProperties: 64,
      additionalProperties: { type: "string", maxLength: 512 },
    },
    workspace: NAME,
    user: NAME,
    ...START_FIELDS,
    connectionId: described("Refused; connections do not exist yet.", NAME),
  }),
);

export const BATCH: JsonSchema = titled("Batch", {
  ...taken(
    {
      items: { ...listOf(ITEM), minItems: 1, maxItems: 10_000 },
      onMismatch: { ...oneOf("existing", "reject"), default: "reject" },
      atomic: { ...FLAG, description: "All items or none.", default: false },
    },
    ["items"],
  ),
  examples: [{ items: [{ input: { n: 21 } }] }],
});

const STATUSES = ["created", "existing", "conflict", "rejected"] as const;

export const BATCH_OUTCOMES: JsonSchema = listOf(
  titled(
    "BatchOutcome",
    shown(
      {
        status: oneOf(...STATUSES),
        runId: described("Of the run that was started, or that the key had started.", TEXT),
        error: described("Why it was rejected.", {
          ...shown({ code: TEXT, message: TEXT, reason: TEXT, details: listOf(ISSUE) }, [
            "details",
          ]),
        }),
      },
      ["runId", "error"],
    ),
  ),
);

export const BATCH_META: JsonSchema = titled(
  "BatchCounts",
  shown(Object.fromEntries(STATUSES.map((status) => [status, COUNT]))),
);
