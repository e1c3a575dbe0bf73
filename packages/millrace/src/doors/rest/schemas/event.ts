import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import { ISSUE } from "./envelope.ts";
import {
  anyJson,
  described,
  INSTANT,
  listOf,
  NAME,
  orNull,
  shown,
  taken,
  TEXT,
  titled,
} from "./json-schema.ts";

const ID = described(
  "A repeat with the same one changes nothing: of an event for 24 hours, of a signal while its run lives. Default: minted.",
  NAME,
);
const DATA = anyJson("What the waits get; any JSON, at most 1 MiB. Default: `null`.");

const ITEM_FIELDS = {
  eventId: described("The event's name: whoever waits for it gets it.", NAME),
  eventData: DATA,
  runId: described("Only to this run, whether it waits by now or not.", TEXT),
  id: ID,
};

/** One event, or a list of them. */
export const EVENTS: JsonSchema = titled("Events", {
  ...taken({
    ...ITEM_FIELDS,
    events: {
      ...listOf(titled("Event", taken(ITEM_FIELDS, ["eventId"]))),
      minItems: 1,
      maxItems: 10_000,
    },
  }),
  oneOf: [
    { required: ["eventId"], properties: { events: false } },
    { required: ["events"], maxProperties: 1 },
  ],
  examples: [{ eventId: "order.paid", eventData: { order: 7 } }],
});

const RUN_IDS = described(
  "Runs that it was delivered to, in the order in which they began to wait.",
  listOf(TEXT),
);

export const EVENT_OUTCOMES: JsonSchema = listOf(
  titled(
    "EventOutcome",
    shown(
      {
        id: TEXT,
        runIds: RUN_IDS,
        error: described(
          "In place of the others: why nothing was delivered.",
          shown({ code: TEXT, message: TEXT, reason: TEXT, details: listOf(ISSUE) }, ["details"]),
        ),
      },
      ["id", "runIds", "error"],
    ),
  ),
);

export const SIGNAL: JsonSchema = titled("Signal", {
  ...taken({ name: described("Of the wait that it is for.", NAME), data: DATA, id: ID }, ["name"]),
  examples: [{ name: "approved", data: { by: "Ada" } }],
});

export const SIGNALLED: JsonSchema = titled("Signalled", shown({ id: TEXT, runIds: listOf(TEXT) }));

export const EVENT_PARAMS: ParameterSchemas = {
  eventId: described("Name of the event.", NAME),
};

export const WAITERS: JsonSchema = listOf(
  titled(
    "Waiter",
    shown({
      runId: TEXT,
      step: described("That waits.", TEXT),
      since: described("An event that was published from then on counts.", INSTANT),
      until: described("`null`: it waits without end.", orNull(INSTANT)),
    }),
  ),
);
