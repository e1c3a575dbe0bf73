// Workers on other machines: an offer up, a stream of commands down, batches of reports up.
import { MillraceError } from "@millrace/protocol";
import { openEventStream } from "../../event-stream.ts";
import { readJsonBody } from "../../read-body.ts";
import type { RemoteWorker, SentCommand } from "../../remote-worker.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageAnswer } from "./page.ts";
import { invalid, Problem, type Reader } from "./read-fields.ts";
import { readAttachment } from "./read-offer.ts";
import { readCursor, readLimit, readQuery, type QueryReader } from "./read-query.ts";
import { readReports } from "./read-reports.ts";
import { readStruct, readWhole } from "./read-struct.ts";
import { dataOf, PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import { NO_FIELDS, TEXT } from "./schemas/json-schema.ts";
import {
  AFTER,
  ATTACHED,
  OFFER,
  REPORTS,
  REPORTS_TAKEN,
  WORKER,
  WORKER_ALIVE,
  WORKER_DRAINING,
  WORKER_GONE,
  WORKER_PARAMS,
} from "./schemas/worker.ts";
import { toWorkerView } from "./worker-view.ts";

const PATH = "/api/v1/workers";

export const WORKER_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: PATH,
    scope: "workers:attach",
    category: "probe",
    summary: "Attach a worker",
    description:
      "Announces what the worker executes; its workflows are active from now on. A repeat with the same `instance` " +
      "gets the same answer. `heartbeatSeconds` says how often the worker must be heard of; three missed beats, and " +
      "it is given up.",
    body: OFFER,
    answers: { 201: dataOf("It is attached.", ATTACHED) },
    faults: ["workflow.exists", "workflow.changed", "workers.too-many", "worker.lost"],
    handle: attach,
  },
  {
    method: "GET",
    path: PATH,
    scope: "workflows:read",
    category: "read",
    summary: "List attached workers",
    description: "Those that are attached to this server by HTTP.",
    query: PAGE_QUERY,
    answers: { 200: pageOf("Workers, by id.", WORKER) },
    handle: list,
  },
  {
    method: "GET",
    path: `${PATH}/:id/commands`,
    scope: "workers:attach",
    category: "probe",
    summary: "Hear what a worker is to do",
    description:
      "Server-sent events, each with one command as JSON and its number as `id`. A stream that broke off goes on " +
      "where `after` says; commands are kept until a batch of reports acknowledges them. A second stream ends the " +
      "first. A comment comes every few seconds.",
    params: WORKER_PARAMS,
    query: { after: AFTER },
    answers: { 200: { description: "Commands.", schema: TEXT, contentType: "text/event-stream" } },
    faults: ["worker.lost", "worker.out-of-order", "streams.too-many"],
    handle: follow,
  },
  {
    method: "POST",
    path: `${PATH}/:id/reports`,
    scope: "workers:attach",
    category: "probe",
    summary: "Report what a worker did",
    description:
      "Batches are numbered from 1. A repeat changes nothing and gets the same answer; one that leaves another out is " +
      "refused. `acknowledged` is the number of the last command that the worker has. Up to 64 MiB.",
    params: WORKER_PARAMS,
    body: REPORTS,
    answers: { 200: dataOf("The engine has them.", REPORTS_TAKEN) },
    faults: ["worker.lost", "worker.out-of-order"],
    handle: report,
  },
  {
    method: "POST",
    path: `${PATH}/:id/heartbeat`,
    scope: "workers:attach",
    category: "probe",
    summary: "Show that a worker is alive",
    params: WORKER_PARAMS,
    body: NO_FIELDS,
    answers: { 200: dataOf("It is attached.", WORKER_ALIVE) },
    faults: ["worker.lost"],
    handle: beat,
  },
  {
    method: "POST",
    path: `${PATH}/:id/drain`,
    scope: "workers:attach",
    category: "probe",
    summary: "Give a worker nothing new",
    description: "What it is at goes on.",
    params: WORKER_PARAMS,
    body: NO_FIELDS,
    answers: { 200: dataOf("It gets nothing new.", WORKER_DRAINING) },
    faults: ["worker.lost"],
    handle: drain,
  },
  {
    method: "DELETE",
    path: `${PATH}/:id`,
    scope: "workers:attach",
    category: "probe",
    summary: "Detach a worker",
    description: "What it was at is given to others.",
    params: WORKER_PARAMS,
    answers: { 200: dataOf("It is gone.", WORKER_GONE) },
    faults: ["worker.lost"],
    handle: detach,
  },
];

async function attach(
  call: AuthorizedCall,
  { engine, workers, limits }: Services,
): Promise<Answer> {
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, limits.requestBytes);
  const { offer, instance } = must(readAttachment(body, []));
  const { tenant } = call.caller;
  const worker = await workers.attach({ engine, tenant, offer, instance });
  const heartbeatSeconds = workers.heartbeatMs / 1_000;
  return success(201, { workerId: worker.id, heartbeatSeconds });
}

function list(call: AuthorizedCall, { workers }: Services): Answer {
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseWorkerId) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const { cursor = "" } = query;
  const found = workers.list(call.caller.tenant).filter(({ id }) => id > cursor);
  return pageAnswer(found, limit, toWorkerView);
}

const parseWorkerId = (text: string): string | undefined =>
  /^wkr_[0-9a-f]{32}$/.test(text) ? text : undefined;

function follow(call: AuthorizedCall, services: Services): Answer {
  const { workers, streams, stopping } = services;
  const worker = findWorker(call, services);
  const { after = 0 } = readQuery(call.request, { after: readAfter });
  const release = streams.enter();
  if (release === null) throw new MillraceError("streams.too-many");
  const { signal } = call.request;
  try {
    const body = openEventStream({
      open: (ending) => worker.follow(after, ending),
      toText: toEventText,
      signals: [signal, stopping],
      onClosed: release,
      heartbeatMs: workers.heartbeatMs,
      missedHeartbeats: MISSED_HEARTBEATS,
    });
    return { status: 200, body, headers: STREAM_HEADERS };
  } catch (error) {
    release();
    throw error;
  }
}

const MISSED_HEARTBEATS = 3;
/** Proxies of nginx's kind would else keep commands back until their buffer is full. */
const STREAM_HEADERS = { "content-type": "text/event-stream", "x-accel-buffering": "no" };

/** JSON has no line feeds, so one `data` line holds it. Without commands: a comment. */
const toEventText = (commands: readonly SentCommand[]): string =>
  commands.map(({ number, text }) => `id: ${number}\ndata: ${text}\n\n`).join("") || ":\n\n";

const readAfter: QueryReader<number> = (text) =>
  /^\d{1,15}$/.test(text)
    ? { value: Number(text) }
    : { problem: "Expected the number of a command" };

const readBatch = readStruct({
  batch: readWhole(1),
  acknowledged: readWhole(0),
  reports: readReports,
});

async function report(call: AuthorizedCall, services: Services): Promise<Answer> {
  const worker = findWorker(call, services);
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, services.limits.bulkRequestBytes);
  const batch = must(readBatch(body, []));
  // While the body came, it may have been given up.
  if (worker.ended !== null) throw worker.ended;
  await worker.report(batch);
  return success(200, { batch: batch.batch });
}

async function beat(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { id } = await findAndReadNothing(call, services);
  return success(200, { workerId: id });
}

async function drain(call: AuthorizedCall, services: Services): Promise<Answer> {
  const worker = await findAndReadNothing(call, services);
  await worker.drain();
  return success(200, { workerId: worker.id, draining: true });
}

function detach(call: AuthorizedCall, services: Services): Answer {
  const worker = findWorker(call, services);
  readQuery(call.request, {});
  worker.end(new MillraceError("worker.lost", `Worker ${worker.offer.name} has left`));
  return success(200, { workerId: worker.id, detached: true });
}

const findWorker = (call: AuthorizedCall, { workers }: Services): RemoteWorker =>
  workers.find(call.caller.tenant, call.param("id"));

async function findAndReadNothing(call: AuthorizedCall, services: Services): Promise<RemoteWorker> {
  const worker = findWorker(call, services);
  readQuery(call.request, {});
  must(readNothing(await readJsonBody(call.request, services.limits.requestBytes), []));
  return worker;
}

const readNothing: Reader<object> = readStruct({});

function must<T>(value: T | Problem): T {
  if (value instanceof Problem) throw invalid(value.issues);
  return value;
}
