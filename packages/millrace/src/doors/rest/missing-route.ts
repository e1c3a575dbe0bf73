import { MillraceError, nearName } from "@millrace/protocol";
import type { Answer, Call, Route } from "../../route.ts";
import { toErrorAnswer } from "./errors.ts";

const LONGEST_SHOWN = 200;

/** 405 with the methods that the path has, or 404 with the nearest path. */
export function answerMissingRoute(call: Call, routes: readonly Route[]): Answer {
  const path = new URL(call.request.url).pathname;
  const methods = routes.filter((route) => toPattern(route.path).test(path)).map((it) => it.method);
  if (methods.length > 0) {
    const allow = [
      ...new Set(methods.flatMap((it) => (it === "GET" ? ["GET", "HEAD"] : [it]))),
    ].join(", ");
    const message = `${call.request.method} does not exist here; allowed: ${allow}`;
    const answer = toErrorAnswer(new MillraceError("route.method-not-allowed", message));
    return { ...answer, headers: { ...answer.headers, allow } };
  }
  const shown = path.length > LONGEST_SHOWN ? `${path.slice(0, LONGEST_SHOWN)}…` : path;
  const message = `There is nothing at ${shown}; ${hintAt(path, routes)}`;
  return toErrorAnswer(new MillraceError("route.not-found", message));
}

function hintAt(path: string, routes: readonly Route[]): string {
  const candidates = routes.map((route) => fill(route.path, path));
  const nearest = nearName(path, candidates);
  return nearest === undefined ? "the API begins at /api/v1/workflows" : `did you mean ${nearest}?`;
}

/** The route's path with the parameters that `path` has at those places, if it has any. */
function fill(pattern: string, path: string): string {
  const parts = path.split("/");
  return pattern
    .split("/")
    .map((part, at) => (part.startsWith(":") ? parts[at] || part : part))
    .join("/");
}

const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/:[a-z]+/gi, "[^/]+")}$`);
