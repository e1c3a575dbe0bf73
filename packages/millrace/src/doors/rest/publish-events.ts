// POST …/events, GET …/events/{eventId}/waiters and POST …/runs/{id}/signals: what runs wait for.
import type { NotifyOutcome, NotifyRequest } from "@millrace/engine";
import {
  asJsonText,
  checkName,
  MillraceError,
  toIso,
  toJsonText,
  typeName,
  type JsonText,
  type JsonValue,
  type RunId,
} from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toDetail } from "./errors.ts";
import { invalid, Problem, readFields, readName, readText, type Reader } from "./read-fields.ts";
import { lookUpRun } from "./look-up-run.ts";
import { readQuery } from "./read-query.ts";
import { orRunNotFound, findRunId, runNotFound } from "./runs.ts";
import { dataOf } from "./schemas/envelope.ts";
import {
  EVENT_OUTCOMES,
  EVENT_PARAMS,
  EVENTS,
  SIGNAL,
  SIGNALLED,
  WAITERS,
} from "./schemas/event.ts";
import { RUN_PARAMS } from "./schemas/run.ts";

const PATH = "/api/v1/events";

export const PUBLISH_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: PATH,
    scope: "events:publish",
    category: "execute",
    summary: "Publish events",
    description:
      "One event, or up to 10,000 in `events`; the answer has one outcome an item, in the same order, and the " +
      "request counts once. All steps that wait for the name get the event, each once. With `runId` it goes to that " +
      "run alone, which keeps it for its next wait of the name. What is wrong with one of several items is told in " +
      "its outcome; what is wrong with a single one is the answer.",
    body: EVENTS,
    answers: { 200: dataOf("Durable: what became of each item.", EVENT_OUTCOMES) },
    faults: ["run.not-found", "run.finished", "payload.too-large"],
    handle: publish,
  },
  {
    method: "GET",
    path: `${PATH}/:eventId/waiters`,
    scope: "runs:read",
    category: "read",
    summary: "List who waits for an event",
    description: "Up to 1,000 steps that wait, in the order in which they began to.",
    params: EVENT_PARAMS,
    answers: { 200: dataOf("Steps that wait.", WAITERS) },
    handle: listWaiters,
  },
  {
    method: "POST",
    path: "/api/v1/runs/:id/signals",
    scope: "events:publish",
    category: "execute",
    summary: "Signal a run",
    description:
      "The run's oldest wait of that name takes it; if there is none, the run keeps it for its next one.",
    params: RUN_PARAMS,
    body: SIGNAL,
    answers: { 200: dataOf("Durable: the run has it.", SIGNALLED) },
    faults: ["run.not-found", "run.finished", "payload.too-large"],
    handle: signal,
  },
];

/** What can be tried, or why it cannot. */
/** As it was sent: the run is an id or a name. */
type Asked = Omit<NotifyRequest, "runId"> & { readonly runId?: string };
type Item = Asked | MillraceError;

async function publish(call: AuthorizedCall, services: Services): Promise<Answer> {
  readQuery(call.request, {});
  const json = await readJsonBody(call.request, services.limits.bulkRequestBytes);
  const { events, ...fields } = readFields(json, { ...ITEM_SHAPE, events: readEvents });
  const isSingle = events === undefined;
  const hasOwn = Object.values(fields).some((value) => value !== undefined);
  if (isSingle ? fields.eventId === undefined : hasOwn) {
    throw invalid([{ path: [], message: "Either eventId or events is needed, and not both" }]);
  }
  const items = isSingle ? [toItem(fields)] : events.map(readItem);
  if (items.length > services.limits.bulkItems) {
    const message = `There are ${items.length} events; the limit is ${services.limits.bulkItems}`;
    throw new MillraceError("request.too-large", message);
  }
  const views = await notify(call, services, items);
  const [first] = views;
  if (isSingle && MillraceError.is(first)) throw first;
  return success(
    200,
    views.map((view) => (MillraceError.is(view) ? { error: toErrorView(view) } : view)),
  );
}

interface Delivered {
  readonly id: string;
  readonly runIds: readonly RunId[];
}

async function notify(
  call: AuthorizedCall,
  services: Services,
  asked: readonly Item[],
): Promise<readonly (Delivered | MillraceError)[]> {
  const { engine } = services;
  const items = await Promise.all(asked.map((item) => resolve(call, services, item)));
  const requests = items.filter((item): item is NotifyRequest => !MillraceError.is(item));
  const outcomes = await engine.events.notify(call.caller.tenant, requests, toActor(call));
  let next = 0;
  return items.map((item) => (MillraceError.is(item) ? item : toDelivered(outcomes[next++])));
}

/** A run may be named, too. */
async function resolve(
  call: AuthorizedCall,
  services: Services,
  item: Item,
): Promise<NotifyRequest | MillraceError> {
  if (MillraceError.is(item)) return item;
  const { runId: run, ...event } = item;
  if (run === undefined) return event;
  const runId = await lookUpRun(services, call.caller.tenant, run);
  return runId === null ? runNotFound() : { ...event, runId };
}

function toDelivered(outcome: NotifyOutcome | undefined): Delivered | MillraceError {
  if (outcome === undefined) throw new Error("the engine gave no outcome for an event");
  if (outcome.kind === "rejected") return outcome.error;
  return { id: outcome.id, runIds: outcome.runIds };
}

function toErrorView({ code, entry, message, issues }: MillraceError): object {
  const details = issues.length === 0 ? {} : { details: issues.map(toDetail) };
  return { code: entry.wire, message, reason: code, ...details };
}

const readData: Reader<JsonText> = (value, path) => {
  const result = toJsonText(value);
  // `1e999` is JSON, but no number that could be stored.
  return result.ok ? result.text : new Problem({ path, message: result.problem });
};

const ITEM_SHAPE = { eventId: readName, eventData: readData, runId: readText, id: readName };

const readEvents: Reader<readonly JsonValue[]> = (value, path) => {
  if (!Array.isArray(value)) {
    return new Problem({ path, message: `Expected array, received ${typeName(value)}` });
  }
  return value.length > 0 ? value : new Problem({ path, message: "Must have at least one item" });
};

function readItem(item: JsonValue): Item {
  try {
    return toItem(readFields(item, ITEM_SHAPE));
  } catch (error) {
    if (MillraceError.is(error)) return error;
    throw error;
  }
}

interface ItemFields {
  readonly eventId: string | undefined;
  readonly eventData: JsonText | undefined;
  readonly runId: string | undefined;
  readonly id: string | undefined;
}

function toItem({ eventId: name, eventData: data = NOTHING, runId, id }: ItemFields): Item {
  if (name === undefined) return invalid([{ path: ["eventId"], message: "Required" }]);
  return {
    name,
    data,
    ...(id === undefined ? {} : { id }),
    ...(runId === undefined ? {} : { runId }),
  };
}

const NOTHING = asJsonText("null");

const MOST_WAITERS = 1_000;

async function listWaiters(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  readQuery(call.request, {});
  const name = call.param("eventId");
  const message = checkName(name);
  if (message !== undefined) throw invalid([{ path: ["eventId"], message }]);
  const waiters = await engine.events.waiters(call.caller.tenant, name, MOST_WAITERS);
  return success(
    200,
    waiters.map(({ runId, key: step, since, until }) => ({
      runId,
      step,
      since: toIso(since),
      until: until === null ? null : toIso(until),
    })),
  );
}

async function signal(call: AuthorizedCall, services: Services): Promise<Answer> {
  const runId = await findRunId(call, services);
  const request = await orRunNotFound(call, services, runId, async () => {
    readQuery(call.request, {});
    const body = await readJsonBody(call.request, services.limits.requestBytes);
    const { name, data = NOTHING, id } = readFields(body, SIGNAL_SHAPE);
    if (name === undefined) throw invalid([{ path: ["name"], message: "Required" }]);
    return { runId, name, data, ...(id === undefined ? {} : { id }) };
  });
  const [outcome] = await notify(call, services, [request]);
  if (MillraceError.is(outcome)) throw outcome;
  return success(200, outcome);
}

const SIGNAL_SHAPE = { name: readName, data: readData, id: readName };
