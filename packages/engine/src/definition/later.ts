// What the language has in later versions. An author who writes it hears that, and not "unknown field": the
// definition is right, only early. A name leaves this page when the code that reads it arrives.
import type { LaterNames } from "./field-reader.ts";

const ORDER = "steps run in the order of the list; `then` and `else` of a condition branch";
const FAIL = "for now a step that fails for good fails the run";

export const LATER_DEFINITION_FIELDS: LaterNames = new Map([
  ["$schema", undefined],
  ["changeSummary", undefined],
  ["errorHandling", FAIL],
  ["inputSchema", "for now the input is not checked"],
  ["metadata", undefined],
  ["onError", FAIL],
  ["outputSchema", "for now the output is not checked"],
  ["settings", undefined],
  ["triggers", "use `trigger`, with one trigger"],
]);

export const LATER_STEP_FIELDS: LaterNames = new Map([
  ["action", undefined],
  ["backoff", "use `retryConfig`"],
  ["condition", "put a step of type `condition` before it"],
  ["connection", undefined],
  ["errorHandling", FAIL],
  ["next", ORDER],
  ["onError", FAIL],
]);

/** In the config of any step; a function's own input may not use these names, now or later. */
export const LATER_CONFIG_FIELDS: LaterNames = new Map([
  ["backoff", "use `retryConfig` of the step"],
  ["concurrency", undefined],
  ["connection", undefined],
  ["done", undefined],
  ["items", undefined],
  ["maxIterations", undefined],
  ["onError", FAIL],
  ["onTimeout", undefined],
  ["retryDelay", "use `retryConfig` of the step"],
]);

export const LATER_STEP_TYPES: ReadonlySet<string> = new Set([
  "action",
  "agent",
  "approval",
  "email",
  "http",
  "human",
  "loop",
  "parallel",
  "waitForEvent",
]);

/** First names of template paths. */
export const LATER_ROOTS: ReadonlySet<string> = new Set([
  "env",
  "error",
  "event",
  "execution",
  "index",
  "item",
  "now",
  "workflow",
]);

/** Triggers that a definition may have, though nothing fires them yet. */
export const LATER_TRIGGERS: ReadonlySet<string> = new Set(["event", "schedule", "webhook"]);
