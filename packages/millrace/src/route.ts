// A route is data: what it answers to, who may call it, what comes in and goes out, and the function that answers.
// Doors list theirs; the app serves them, and the OpenAPI document is made of them. A route without a scope or
// without its schemas does not compile.
import type { Sandbox } from "@millrace/connectors";
import type { Engine, Log } from "@millrace/engine";
import type { ErrorCode, JsonValue, Limits, MillraceError } from "@millrace/protocol";
import type { Caller } from "./auth/caller.ts";
import type { Scope } from "./auth/scope.ts";
import type { StreamGate } from "./event-stream.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import type { RemoteWorkers } from "./remote-workers.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** How a request counts, in metrics and logs; `probe`: asked all the time, by machines. */
export const CATEGORIES = ["read", "write", "execute", "probe"] as const;
export type Category = (typeof CATEGORIES)[number];

/** What a handler answers; the app makes a `Response` of it and adds the headers that all answers have. */
export interface Answer {
  readonly status: number;
  /** A stream is sent as it comes. */
  readonly body: string | ReadableStream<Uint8Array> | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What handlers work with. */
export interface Services {
  readonly engine: Engine;
  readonly limits: Limits;
  readonly log: Log;
  readonly version: string;
  readonly httpMetrics: HttpMetrics;
  readonly streams: StreamGate;
  readonly workers: RemoteWorkers;
  /** null: there is none outside development. */
  readonly sandbox: Sandbox | null;
  /** Aborts when the server is told to stop: whoever waits for a run gets the run as it is. */
  readonly stopping: AbortSignal;
}

/** One request that a route answers. */
export interface Call {
  readonly request: Request;
  readonly requestId: string;
  /** Peer address as the socket has it, whatever headers say; null: no socket. */
  readonly address: string | null;
  /** A part of the path, decoded. */
  param(name: string): string;
  /** Added to the line that the log gets for this request. */
  readonly logFields: Record<string, string>;
}

export interface AuthorizedCall extends Call {
  readonly caller: Caller;
}

/**
 * JSON Schema, draft 2020-12, as data for readers and tools: what is checked at run time is checked by readers. A
 * schema with a `title` becomes a component of the document, under that name.
 */
export interface JsonSchema {
  readonly [keyword: string]: JsonValue;
}

/** By name; each schema has a `description`. In a path all are required, elsewhere none is. */
export type ParameterSchemas = Readonly<Record<string, JsonSchema>>;

export interface AnswerSchema {
  readonly description: string;
  /** null: an answer without a body. */
  readonly schema: JsonSchema | null;
  /** Default: `application/json`. */
  readonly contentType?: string;
  readonly headers?: ParameterSchemas;
}

/** What a route says of itself, for the OpenAPI document and the tests that are generated from it. */
interface Described {
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the summary does not say; Markdown. */
  readonly description?: string;
  /** One for each `:name` of the path. */
  readonly params?: ParameterSchemas;
  /** Absent: none is known, and every one is refused. */
  readonly query?: ParameterSchemas;
  /** Headers that mean something here, beside the key. */
  readonly headers?: ParameterSchemas;
  /** By HTTP status: how it answers when nothing is wrong. */
  readonly answers: Readonly<Record<number, AnswerSchema>>;
  /**
   * What else its handler may answer: codes of the error table. Left out are those that follow from the route
   * itself: `request.*`, `storage.*`, `engine.stopping`, `internal.error`.
   */
  readonly faults?: readonly ErrorCode[];
}

interface RouteBase extends Described {
  readonly method: Method;
  /** With `:name` for parameters. */
  readonly path: string;
  readonly category: Category;
}

/** What comes in. A body is JSON, and none is `{}`; where nothing is asked for, a schema without fields says so. */
type Incoming =
  | { readonly method: "POST" | "PUT"; readonly body: JsonSchema }
  | { readonly method: "GET" | "DELETE"; readonly body?: never };

type Handle<C> = (call: C, services: Services) => Answer | Promise<Answer>;

type Guarded =
  | (RouteBase & {
      readonly scope: Scope;
      readonly isOpenInDevelopment?: false;
      readonly handle: Handle<AuthorizedCall>;
    })
  | (RouteBase & {
      readonly scope: Scope;
      /** In development anybody on this machine may call it without a key. */
      readonly isOpenInDevelopment: true;
      readonly handle: Handle<Call>;
    })
  | (RouteBase & {
      readonly scope: "public";
      readonly handle: Handle<Call>;
    });

export type Route = Guarded & Incoming;

/** A way in: its routes, and how it says that something went wrong. */
export interface Door {
  readonly routes: readonly Route[];
  toErrorAnswer(fault: MillraceError): Answer;
}
