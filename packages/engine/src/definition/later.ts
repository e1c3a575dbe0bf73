// What the language has in later versions. An author who writes it hears that, and not "unknown field": the
// definition is right, only early. A name leaves this page when the code that reads it arrives.

/** Triggers that a definition may have, though nothing fires them yet. */
export const LATER_TRIGGERS: ReadonlySet<string> = new Set([
  "event",
  "schedule",
  "slack_event",
  "webhook",
]);
