// A route is data: what it answers to, who may call it, and the function that answers. Doors list theirs; the app
// serves them. A route without a scope does not compile.
import type { Sandbox } from "@millrace/connectors";
import type { Engine, Log } from "@millrace/engine";
import type { Limits, MillraceError } from "@millrace/protocol";
import type { Caller } from "./auth/caller.ts";
import type { Scope } from "./auth/scope.ts";
import type { HttpMetrics } from "./http-metrics.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** How a request counts, in metrics and logs; `probe`: asked all the time, by machines. */
export const CATEGORIES = ["read", "write", "execute", "probe"] as const;
export type Category = (typeof CATEGORIES)[number];

/** What a handler answers; the app makes a `Response` of it and adds the headers that all answers have. */
export interface Answer {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What handlers work with. */
export interface Services {
  readonly engine: Engine;
  readonly limits: Limits;
  readonly log: Log;
  readonly version: string;
  readonly httpMetrics: HttpMetrics;
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

interface RouteBase {
  readonly method: Method;
  /** With `:name` for parameters. */
  readonly path: string;
  readonly category: Category;
}

type Handle<C> = (call: C, services: Services) => Answer | Promise<Answer>;

export type Route =
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

/** A way in: its routes, and how it says that something went wrong. */
export interface Door {
  readonly routes: readonly Route[];
  toErrorAnswer(fault: MillraceError): Answer;
}
