// GET …/runs/{id}/events: what a run does, as server-sent events.
//
// `id` is the sequence of the journal entry, so a reader who comes back with `Last-Event-ID` misses nothing. The end
// has the one after it: who has heard the end is told 204, which keeps browsers from coming back.
import { toEventData, type FeedItem } from "@millrace/engine";
import { MillraceError, toIso, type Failure, type JsonValue } from "@millrace/protocol";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { invalid } from "./read-fields.ts";
import { readQuery } from "./read-query.ts";
import { toErrorView, toRunView } from "./run-view.ts";
import { findRun, findRunId, orRunNotFound } from "./runs.ts";
import { described, TEXT } from "./schemas/json-schema.ts";
import { RUN_PARAMS } from "./schemas/run.ts";
import { openEventStream } from "../../event-stream.ts";

export const EVENT_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/runs/:id/events",
    scope: "runs:read",
    category: "read",
    summary: "Follow a run",
    description:
      "Server-sent events: `run` with the run as it is, then one event for each entry of its journal " +
      "(`step.completed`, `step.failed`, `step.waiting`, `message.received`) with its sequence as `id`, " +
      "`step.started` without an id while the run moves on this node, and `run.completed`, `run.failed` or " +
      "`run.cancelled` at the end. A comment comes every 15 seconds.",
    params: RUN_PARAMS,
    headers: {
      "Last-Event-ID": described(
        "The last `id` that you have got: only what follows is sent.",
        TEXT,
      ),
    },
    answers: {
      200: { description: "Events.", schema: TEXT, contentType: "text/event-stream" },
      204: { description: "The run has ended, and you have heard so.", schema: null },
    },
    faults: ["run.not-found", "streams.too-many"],
    handle: follow,
  },
];

async function follow(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { engine, streams, stopping } = services;
  const { tenant } = call.caller;
  const id = await findRunId(call, services);
  const after = await orRunNotFound(call, services, id, () => {
    readQuery(call.request, {});
    return readLastEventId(call.request);
  });
  await findRun(call, services, id);
  if (after > 0) {
    const found = await engine.runs.read(tenant, id);
    const isHeard = found !== null && "finishedAt" in found.run && after > found.journal.length;
    if (isHeard) return { status: 204, body: null, headers: {} };
  }
  const release = streams.enter();
  if (release === null) throw new MillraceError("streams.too-many");
  const body = openEventStream({
    open: (signal) => engine.runs.watch(tenant, id, { after, signal }),
    toText: toEventText,
    signals: [call.request.signal, stopping],
    onClosed: release,
    ...streams.pace,
  });
  return { status: 200, body, headers: EVENT_HEADERS };
}

/** Proxies of nginx's kind would else keep events back until their buffer is full. */
const EVENT_HEADERS = { "content-type": "text/event-stream", "x-accel-buffering": "no" };

function readLastEventId(request: Request): number {
  const text = request.headers.get("last-event-id") ?? "";
  if (text === "") return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid([{ path: ["Last-Event-ID"], message: "Expected an id of this stream" }]);
}

function toEventText(item: FeedItem): string {
  switch (item.type) {
    case "run":
      return toText("run", null, toRunView(item.run));
    case "end":
      return toText(`run.${item.run.status}`, item.sequence, toRunView(item.run));
    case "step.started": {
      const { type, step, attempt, at } = item;
      return toText(type, null, { stepId: step, attempt, at: toIso(at) });
    }
    default:
      return toText(item.type, item.sequence, toEventData(item, toError));
  }
}

/** An interface has no index signature to say that it is JSON. */
const toError = (failure: Failure, step: string): JsonValue => ({ ...toErrorView(failure, step) });

/** JSON has no line feeds, so one `data` line holds it. */
function toText(event: string, id: number | null, data: unknown): string {
  const idLine = id === null ? "" : `id: ${id}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
