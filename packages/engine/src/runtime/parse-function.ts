// Reads what somebody wants to store as a function. All mistakes are reported at once, each with its path.
import {
  HIDDEN_VALUE,
  HTTP_METHODS,
  type FunctionTarget,
  type Issue,
  type JsonValue,
  type StoredFunction,
} from "@millrace/protocol";
import { didYouMean } from "../definition/did-you-mean.ts";
import { FieldReader } from "../definition/field-reader.ts";
import { Report } from "../definition/report.ts";

/** What its author says of a function; its name is said beside it. */
export type FunctionDraft = Pick<StoredFunction, "description" | "target" | "input" | "output">;

export type ParsedFunction =
  | { readonly ok: true; readonly draft: FunctionDraft }
  | { readonly ok: false; readonly issues: readonly Issue[] };

const LONGEST_DESCRIPTION = 1_000;
const LONGEST_URL = 2_048;
const LONGEST_HEADER = 4_096;
const MOST_HEADERS = 50;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1_000;

/** A token of RFC 9110. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Visible characters and spaces: nothing that could begin another header. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The caller of the function decides these, or the message would say two things about itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** @param before what is stored under the name now: header values that its reader was not shown are taken from it */
export function parseFunction(value: JsonValue, before: StoredFunction | null): ParsedFunction {
  const report = new Report();
  const fields = FieldReader.open(value, [], report);
  if (fields === undefined) return { ok: false, issues: report.errors };
  const description = fields.text("description");
  if (description !== undefined && description.length > LONGEST_DESCRIPTION) {
    fields.error("description", `Must be at most ${LONGEST_DESCRIPTION} characters`);
  }
  fields.require("target", 'such as { "kind": "http", "url": "https://example.com/charge" }');
  const target = fields.object("target");
  const read = target === undefined ? undefined : readTarget(target, before?.target);
  const [input, output] = [readSchema(fields, "input"), readSchema(fields, "output")];
  fields.refuseOthers();
  if (read === undefined || !report.isClean) return { ok: false, issues: report.errors };
  return {
    ok: true,
    draft: {
      ...(description === undefined ? {} : { description }),
      target: read,
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
    },
  };
}

function readSchema(fields: FieldReader, name: "input" | "output"): JsonValue | undefined {
  return fields.object(name) === undefined ? undefined : fields.value(name);
}

function readTarget(
  target: FieldReader,
  before: FunctionTarget | undefined,
): FunctionTarget | undefined {
  target.require("kind", 'the only one is "http"');
  const kind = target.text("kind");
  if (kind !== undefined && kind !== "http") {
    target.error("kind", "Unknown kind of target", 'the only one is "http"');
  }
  const url = readUrl(target);
  const method = readMethod(target);
  const timeoutMs = target.number("timeoutMs", { min: 1, max: MAX_TIMEOUT_MS, isInteger: true });
  const shown = before !== undefined && isSameOrigin(url, before.url) ? before.headers : undefined;
  const headers = readHeaders(target, shown);
  target.refuseOthers();
  if (url === undefined) return undefined;
  return {
    kind: "http",
    url,
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

function readUrl(target: FieldReader): string | undefined {
  target.require("url");
  const text = target.text("url");
  if (text === undefined) return undefined;
  const problem = checkUrl(text);
  if (problem === undefined) return text;
  target.error("url", ...problem);
  return undefined;
}

/** @returns what is wrong, and what to do about it */
function checkUrl(text: string): readonly [message: string, hint?: string] | undefined {
  if (text.length > LONGEST_URL) return [`Must be at most ${LONGEST_URL} characters`];
  const url = URL.parse(text);
  if (url === null) return ["Must be an absolute URL", "such as https://example.com/charge"];
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return ["Must begin with https:// or http://"];
  }
  if (url.username !== "" || url.password !== "") {
    return ["Must not hold a user name or password", "send them in a header, which is not shown"];
  }
  return undefined;
}

function readMethod(target: FieldReader): FunctionTarget["method"] {
  const text = target.text("method");
  const method = HTTP_METHODS.find((one) => one === text);
  if (text !== undefined && method === undefined) {
    const choices = `one of ${HTTP_METHODS.join(", ")}`;
    target.error("method", "Unknown method", () => didYouMean(text, HTTP_METHODS)() ?? choices);
  }
  return method;
}

/** @param shown headers whose values their reader saw as `HIDDEN_VALUE`, and may send back so */
function readHeaders(
  target: FieldReader,
  shown: FunctionTarget["headers"],
): FunctionTarget["headers"] {
  const headers = target.object("headers");
  if (headers === undefined) return undefined;
  const given = Object.keys(headers.takeOthers());
  if (given.length > MOST_HEADERS) {
    target.error("headers", `Must be at most ${MOST_HEADERS}, received ${given.length}`);
    return undefined;
  }
  const read = new Map<string, string>();
  const seen = new Set<string>();
  for (const name of given) {
    const lower = name.toLowerCase();
    const value = headers.text(name);
    const problem = checkHeaderName(name) ?? (seen.has(lower) ? "Is given twice" : undefined);
    seen.add(lower);
    if (problem !== undefined) headers.error(name, problem);
    else if (value === HIDDEN_VALUE) keepHidden(headers, name, shown, read);
    else if (value !== undefined && isHeaderValue(headers, name, value)) read.set(name, value);
  }
  return Object.fromEntries(read);
}

function checkHeaderName(name: string): string | undefined {
  if (!HEADER_NAME.test(name)) return "Is no header name";
  return OWN_HEADERS.has(name.toLowerCase()) ? "Is set by the call itself" : undefined;
}

function isHeaderValue(headers: FieldReader, name: string, value: string): boolean {
  if (value.length <= LONGEST_HEADER && HEADER_VALUE.test(value)) return true;
  headers.error(name, `Must be one line of at most ${LONGEST_HEADER} Latin-1 characters`);
  return false;
}

/** Sent back as it was shown: the value stays, unless it would go to another host now. */
function keepHidden(
  headers: FieldReader,
  name: string,
  shown: FunctionTarget["headers"],
  read: Map<string, string>,
): void {
  const kept = Object.entries(shown ?? {}).find(
    ([one]) => one.toLowerCase() === name.toLowerCase(),
  );
  if (kept === undefined) {
    headers.error(
      name,
      `${JSON.stringify(HIDDEN_VALUE)} stands for a value that is kept, and there is none for this host`,
      "send the value itself",
    );
  } else read.set(name, kept[1]);
}

const isSameOrigin = (url: string | undefined, other: string): boolean =>
  url !== undefined && URL.parse(url)?.origin === URL.parse(other)?.origin;
