import type { Issue } from "@millrace/protocol";
import { suggest } from "../../did-you-mean.ts";
import { invalid } from "./read-fields.ts";

/** @returns the value, or what is wrong with it */
export type QueryReader<T> = (text: string) => { readonly value: T } | { readonly problem: string };
export type QueryShape = Readonly<Record<string, QueryReader<unknown>>>;
export type Query<S extends QueryShape> = {
  readonly [K in keyof S]: Extract<ReturnType<S[K]>, { value: unknown }>["value"] | undefined;
};

/**
 * Reads the query of a request. A parameter that nobody knows is refused: a filter that is silently ignored gives
 * wrong lists.
 *
 * @throws {MillraceError} request.invalid
 */
export function readQuery<S extends QueryShape>(request: Request, shape: S): Query<S> {
  const values: Record<string, unknown> = {};
  const start = request.url.indexOf("?");
  if (start >= 0) {
    const issues: Issue[] = [];
    for (const [name, text] of new URLSearchParams(request.url.slice(start))) {
      const read = Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (read === undefined) issues.push(unknownParameter(name, shape));
      else if (Object.hasOwn(values, name)) issues.push({ path: [name], message: "Sent twice" });
      else {
        const result = read(text);
        if ("problem" in result) issues.push({ path: [name], message: result.problem });
        values[name] = "value" in result ? result.value : undefined;
      }
    }
    if (issues.length > 0) throw invalid(issues);
  }
  // Every value was read by its own reader.
  return values as Query<S>;
}

function unknownParameter(name: string, shape: QueryShape): Issue {
  const known = Object.keys(shape);
  const hint = suggest(name, known) ?? `Known parameters: ${known.join(", ") || "none"}`;
  return { path: [name.slice(0, LONGEST_ECHO)], message: "Unknown query parameter", hint };
}

const LONGEST_ECHO = 100;
const MAX_WAIT_SECONDS = 60;
const DEFAULT_WAIT_SECONDS = 30;
const MAX_PAGE = 100;

/** `30`: seconds, up to a minute. `true` or nothing: half a minute. */
export const readWaitMs: QueryReader<number> = (text) => {
  const seconds = text === "" || text === "true" ? DEFAULT_WAIT_SECONDS : Number(text);
  return /^(\d{1,3}(\.\d{1,3})?|true|)$/.test(text) && seconds <= MAX_WAIT_SECONDS
    ? { value: seconds * 1000 }
    : { problem: `Expected a number of seconds from 0 to ${MAX_WAIT_SECONDS}` };
};

export const readLimit: QueryReader<number> = (text) => {
  const limit = Number(text);
  return /^\d{1,3}$/.test(text) && limit >= 1 && limit <= MAX_PAGE
    ? { value: limit }
    : { problem: `Expected a number from 1 to ${MAX_PAGE}` };
};

/** An id of the page before; opaque to callers. */
export function readCursor<T extends string>(
  parse: (text: string) => T | undefined,
): QueryReader<T> {
  return (text) => {
    const value = parse(text);
    return value === undefined
      ? { problem: "Not a cursor of this list; take it from meta.cursor" }
      : { value };
  };
}
