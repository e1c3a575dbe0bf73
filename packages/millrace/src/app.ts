// Request in, Response out: finds the route, checks key and scope, calls the handler, and turns whatever was thrown
// into its door's answer. Opens no port; `listen.ts` does.
import type { Sandbox } from "@millrace/connectors";
import type { Engine, Log } from "@millrace/engine";
import { DEFAULT_LIMITS, MillraceError } from "@millrace/protocol";
import { Hono, type Context } from "hono";
import { createAuthenticator, type Authenticate } from "./auth/authenticate.ts";
import type { Caller } from "./auth/caller.ts";
import { limitRate, type RateCounters } from "./auth/limit-rate.ts";
import { RateLimiter, type RateClock } from "./auth/rate-limiter.ts";
import { hasScope, type Scope } from "./auth/scope.ts";
import { StreamGate } from "./event-stream.ts";
import { OPERATING_DOOR } from "./doors/operating/door.ts";
import { REST_DOOR } from "./doors/rest/door.ts";
import { toFault } from "./fault.ts";
import { createHttpMetrics } from "./http-metrics.ts";
import { answerMissingRoute } from "./doors/rest/missing-route.ts";
import type { Mode } from "./mode.ts";
import { RemoteWorkers } from "./remote-workers.ts";
import { drawRequestId } from "./request-id.ts";
import type { Answer, Call, Category, Door, Route, Services } from "./route.ts";
import { VERSION } from "./version.ts";

export interface AppOptions {
  readonly engine: Engine;
  readonly log: Log;
  readonly mode: Mode;
  /** SHA-256 of the administrator's key; null: there is none. */
  readonly adminKeyDigest: Buffer | null;
  /** Largest body of a request. Default 2 MiB. */
  readonly requestBytes?: number;
  /** What serves for connectors that are not configured, to be read through the API. Default: none. */
  readonly sandbox?: Sandbox | null;
  /** Bounds the event streams that are open at once. Default: 2,000. */
  readonly streams?: StreamGate;
  /** Workers on other machines. Default: a lease of 15 s. */
  readonly workers?: RemoteWorkers;
  /** Ends long polls when the server is told to stop. Default: never. */
  readonly stopping?: AbortSignal;
  /** By which keys end and rates are counted. Default: this machine's. */
  readonly clock?: RateClock;
}

/** What a server knows about a request beyond the `Request`. */
export interface RequestEnv {
  /** Of the peer, as the socket has it. */
  readonly address?: string;
  /** Builds answers in place of the global class. */
  readonly Response?: typeof Response;
}

export interface App {
  /** Larger bodies of a request to this path are refused. */
  bodyLimitOf(path: string): number;
  /** Never rejects: every request has an answer. */
  fetch(request: Request, env?: RequestEnv): Promise<Response>;
  /** For what went wrong before there was a `Request`. */
  refuse(fault: MillraceError, env?: RequestEnv): Response;
}

type HonoContext = Context<{ Bindings: RequestEnv }>;
/** @param headers to which it adds what the answer has, whatever comes of the request */
type Attend = (call: Call, headers: Record<string, string>) => Answer | Promise<Answer>;

const DOORS: readonly Door[] = [REST_DOOR, OPERATING_DOOR];

/** As it is on the wire: only to decide whether a sender should go on, so a stranger form of it may be told no. */
const BULK_PATH = /^\/api\/v1\/(workflows\/[^/?]+\/run\/batch|workers\/[^/?]+\/reports)(\?|$)/;

export function createApp(options: AppOptions): App {
  const services = createServices(options);
  const { log, mode } = options;
  const guard = createGuard(options);

  async function serve(c: HonoContext, door: Door, category: Category, attend: Attend) {
    const startedAt = performance.now();
    const call = toCall(c);
    const headers: Record<string, string> = {};
    let answer: Answer;
    try {
      answer = await attend(call, headers);
    } catch (error) {
      answer = door.toErrorAnswer(toFault(error, call, log));
    }
    const durationMs = performance.now() - startedAt;
    services.httpMetrics.observe(category, answer.status, durationMs);
    logRequest(log, category, call, answer.status, durationMs);
    const whole = { ...answer, headers: { ...answer.headers, ...headers } };
    return toResponse(whole, call.requestId, c.env.Response);
  }

  const hono = new Hono<{ Bindings: RequestEnv }>();
  for (const door of DOORS) {
    for (const route of door.routes) {
      const attend = createAttendant(route, services, guard, mode);
      hono.on(route.method, route.path, (c) => serve(c, door, route.category, attend));
    }
  }
  const routes = DOORS.flatMap((door) => door.routes);
  hono.notFound((c) => serve(c, REST_DOOR, "read", (call) => answerMissingRoute(call, routes)));
  return {
    bodyLimitOf: (path) => {
      const { requestBytes, bulkRequestBytes } = services.limits;
      return BULK_PATH.test(path) ? bulkRequestBytes : requestBytes;
    },
    fetch: async (request, env = {}) => hono.fetch(request, env),
    refuse: (fault, env = {}) =>
      toResponse(REST_DOOR.toErrorAnswer(fault), drawRequestId(), env.Response),
  };
}

function createServices(options: AppOptions): Services {
  const requestBytes = options.requestBytes ?? DEFAULT_LIMITS.requestBytes;
  return {
    engine: options.engine,
    log: options.log,
    limits: { ...DEFAULT_LIMITS, requestBytes },
    version: VERSION,
    httpMetrics: createHttpMetrics(),
    streams: options.streams ?? new StreamGate(),
    workers: options.workers ?? new RemoteWorkers(),
    sandbox: options.sandbox ?? null,
    stopping: options.stopping ?? new AbortController().signal,
  };
}

interface Guard {
  readonly authenticate: Authenticate;
  readonly counters: RateCounters;
}

const SYSTEM_CLOCK: RateClock = {
  monotonicMs: () => performance.now(),
  epochMs: () => Date.now(),
};

function createGuard({ engine, mode, adminKeyDigest, clock = SYSTEM_CLOCK }: AppOptions): Guard {
  const authenticate = createAuthenticator({
    keys: engine.keys,
    tenants: engine.tenants,
    adminKeyDigest,
    acceptsDevelopmentKeys: mode === "development",
    epochMs: () => clock.epochMs(),
  });
  return { authenticate, counters: { keys: engine.keys, limiter: new RateLimiter(clock) } };
}

/** Checks come in this order: key, scope, rate, then what the handler asks for. */
function createAttendant(
  route: Route,
  services: Services,
  { authenticate, counters }: Guard,
  mode: Mode,
): Attend {
  if (route.scope === "public") return (call) => route.handle(call, services);
  if (route.isOpenInDevelopment === true && mode === "development") {
    return (call) => route.handle(call, services);
  }
  return async (call, headers) => {
    const caller = await authenticate(call.request);
    assertScope(caller, route.scope);
    await limitRate(counters, caller, route.category, headers);
    return route.handle({ ...call, caller }, services);
  };
}

function assertScope(caller: Caller | null, scope: Scope): asserts caller is Caller {
  if (caller === null) {
    throw new MillraceError("request.unauthorized", "Invalid or missing API key");
  }
  if (!hasScope(caller.scopes, scope)) {
    throw new MillraceError("request.forbidden", `This API key lacks the scope "${scope}"`);
  }
}

function toCall(c: HonoContext): Call {
  return {
    request: c.req.raw,
    requestId: drawRequestId(),
    address: c.env.address ?? null,
    param: (name) => c.req.param(name) ?? "",
    logFields: {},
  };
}

function toResponse(
  answer: Answer,
  requestId: string,
  Class: typeof Response = Response,
): Response {
  const headers = {
    ...answer.headers,
    "x-request-id": requestId,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  return new Class(answer.body, { status: answer.status, headers });
}

/** The path as it was sent: without the query, and nothing decoded, so that it cannot forge a line. */
function logRequest(
  log: Log,
  category: Category,
  call: Call,
  status: number,
  durationMs: number,
): void {
  const fields = {
    requestId: call.requestId,
    ...call.logFields,
    method: call.request.method,
    path: pathOf(call.request.url),
    status,
    ms: Math.round(durationMs * 100) / 100,
  };
  if (category === "probe") log.debug(fields, "request");
  else log.info(fields, "request");
}

const LONGEST_LOGGED_PATH = 512;

function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? undefined : end).slice(0, LONGEST_LOGGED_PATH);
}
