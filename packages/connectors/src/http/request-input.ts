// From the input of `http.request` to what is sent: everything that can be wrong with it is found before a byte is.
import type { JsonValue } from "@millrace/protocol";
import { badInput, isObject, readFields, unknownField, type JsonObject } from "../action-input.ts";
import type { CallCaps, GuardCaps } from "../guard/caps.ts";
import { isSuccess, parseExpect, type IsExpected } from "./expected-status.ts";
import { PARSE_MODES, type ParseMode } from "./read-answer.ts";
import { readAuth, readHeaders } from "./request-headers.ts";

export interface RequestInput {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | null;
  readonly caps: CallCaps;
  readonly isExpected: IsExpected;
  readonly parse: ParseMode;
  /** Texts that no failure may show. */
  readonly secrets: readonly string[];
}

const ACTION = "http.request";
const FIELDS = [
  "url",
  "method",
  "headers",
  "query",
  "body",
  "form",
  "auth",
  "timeoutMs",
  "maxBytes",
  "expect",
  "parse",
] as const;
type Field = (typeof FIELDS)[number];

const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** How long a call may take if the step does not say; the guard's own limit is for the patient. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** @throws {ActionError} action.input-invalid; it names the field, and never shows a value */
export function parseRequestInput(input: JsonValue, caps: GuardCaps): RequestInput {
  const fields = readFields(ACTION, input);
  for (const name of Object.keys(fields)) {
    if (!FIELDS.some((it) => it === name)) throw unknownField(ACTION, name, FIELDS);
  }
  const url = readUrl(fields);
  const { body, contentType } = readBody(fields);
  const method = readMethod(fields, body);
  const headers = readHeaders(ACTION, fields["headers"]);
  if (contentType !== null && !headers.has("content-type"))
    headers.set("content-type", contentType);
  const secrets = readAuth(ACTION, fields["auth"], headers);
  return {
    url,
    method,
    headers,
    body,
    caps: {
      totalTimeoutMs: readLimit(fields, "timeoutMs", caps.totalTimeoutMs) ?? DEFAULT_TIMEOUT_MS,
      maxResponseBytes:
        readLimit(fields, "maxBytes", caps.maxResponseBytes) ?? caps.maxResponseBytes,
    },
    isExpected: readExpect(fields),
    parse: readParse(fields),
    secrets,
  };
}

const wrong = (field: Field, problem: string): Error => badInput(ACTION, `"${field}" ${problem}`);

function readUrl(fields: JsonObject): URL {
  const text = fields["url"];
  const url = typeof text === "string" ? URL.parse(text) : null;
  if (url === null)
    throw wrong("url", "must be a whole URL, such as https://api.example.com/orders.");
  for (const [name, value] of readPairs(fields, "query")) url.searchParams.append(name, value);
  return url;
}

interface Body {
  readonly body: string | null;
  readonly contentType: string | null;
}

function readBody(fields: JsonObject): Body {
  const { body, form } = fields;
  if (form !== undefined) {
    if (body !== undefined) throw wrong("form", 'cannot stand beside "body".');
    const pairs = new URLSearchParams(readPairs(fields, "form"));
    return { body: pairs.toString(), contentType: "application/x-www-form-urlencoded" };
  }
  if (body === undefined) return { body: null, contentType: null };
  if (typeof body === "string") return { body, contentType: "text/plain; charset=utf-8" };
  return { body: JSON.stringify(body), contentType: "application/json" };
}

function readMethod(fields: JsonObject, body: string | null): string {
  const method = fields["method"] ?? (body === null ? "GET" : "POST");
  const upper = typeof method === "string" ? method.toUpperCase() : "";
  if (!METHODS.includes(upper)) throw wrong("method", `must be one of ${METHODS.join(", ")}.`);
  if (body !== null && (upper === "GET" || upper === "HEAD")) {
    throw wrong("method", `is ${upper}, which has no body; send it as "query" instead.`);
  }
  return upper;
}

/** A list repeats its name; null and what a template left out are left out. */
function readPairs(fields: JsonObject, field: "query" | "form"): [name: string, value: string][] {
  const value = fields[field];
  if (value === undefined || value === null) return [];
  if (!isObject(value)) throw wrong(field, "must be an object of names and values.");
  return Object.entries(value).flatMap(([name, one]) => {
    const items: readonly JsonValue[] = Array.isArray(one) ? one : [one];
    return items
      .filter((it) => it !== null)
      .map((it): [string, string] => [name, toPlainText(it, field)]);
  });
}

function toPlainText(value: JsonValue, field: Field): string {
  if (typeof value === "object")
    throw wrong(field, "may hold texts, numbers, booleans and lists of them.");
  return String(value);
}

function readLimit(fields: JsonObject, field: Field, most: number): number | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  const limit = typeof value === "number" || typeof value === "string" ? Number(value) : NaN;
  if (value !== "" && Number.isSafeInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw wrong(field, `must be a whole number from 1 to ${most}.`);
}

function readExpect(fields: JsonObject): IsExpected {
  const value = fields["expect"];
  if (value === undefined) return isSuccess;
  const isExpected = parseExpect(value);
  if (isExpected !== undefined) return isExpected;
  throw wrong("expect", 'must be a list of statuses and ranges, such as [200, 404] or ["2xx"].');
}

function readParse(fields: JsonObject): ParseMode {
  const value = fields["parse"] ?? "auto";
  const mode = PARSE_MODES.find((it) => it === value);
  if (mode !== undefined) return mode;
  throw wrong("parse", `must be one of ${PARSE_MODES.join(", ")}.`);
}
