import { MAX_JSON_DEPTH, parseJson, type JsonValue } from "@millrace/protocol";
import { isList, isObject, type JsonObject } from "../json-shape.ts";
import { parseNumber } from "../plain-number.ts";
import { checkLength, checkListLength, writeJson, type Cost } from "./cost.ts";
import {
  anyParam,
  defineFilter,
  defineTextFilter,
  optional,
  parsedParam,
  textParam,
  type Filter,
} from "./filter.ts";
import { hmacSha256, sha256 } from "./sha256.ts";
import { ArgumentError, TemplateError } from "./template-error.ts";
import { textOf, typeOf } from "./text-of.ts";

/** Hashing is so many times as slow as reading. */
const HASH_FACTOR = 8;
/** What a currency costs, in visits. */
const CURRENCY_VISITS = 20;
/** Formats that are kept; making one takes fifty times as long as using it. */
const MAX_FORMATS = 100;

const TRUE = new Set(["true", "yes", "on", "1"]);
const FALSE = new Set(["false", "no", "off", "0"]);

/** A filter of anything that is there. */
const defineGivenFilter = (
  name: string,
  description: string,
  change: (input: JsonValue, cost: Cost) => JsonValue,
): Filter =>
  defineFilter(name, description, {
    apply: (input, cost) => (input === undefined || input === null ? input : change(input, cost)),
  });

const isEmpty = (value: JsonValue | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  (isList(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

function readJson(text: string): JsonValue {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new TemplateError(`cannot read its value: ${parsed.problem}`);
  return parsed.value;
}

function toNumber(input: JsonValue): number {
  const number = parseNumber(input);
  if (number !== undefined) return number;
  throw new TemplateError(
    `needs a number, or text that is one; its value is ${typeof input === "string" ? "another text" : typeOf(input)}`,
  );
}

function toBoolean(input: JsonValue): boolean {
  if (typeof input === "boolean") return input;
  const word = typeof input === "number" ? String(input) : input;
  const text = typeof word === "string" ? word.trim().toLowerCase() : "";
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new TemplateError(
    "needs true or false, yes or no, on or off, 1 or 0; its value is something else",
  );
}

function toFields(input: JsonValue, cost: Cost): JsonObject {
  if (!isObject(input)) throw new TemplateError(`needs an object; its value is ${typeOf(input)}`);
  const count = Object.keys(input).length;
  cost.visit(count);
  checkListLength(count);
  return input;
}

const formats = new Map<string, Intl.NumberFormat>();

/** @throws {ArgumentError} there is no such currency or locale */
function formatOf(currency: string, locale: string): Intl.NumberFormat {
  const key = `${locale} ${currency}`;
  const kept = formats.get(key);
  if (kept !== undefined) return kept;
  try {
    const format = new Intl.NumberFormat(locale, { style: "currency", currency });
    if (formats.size >= MAX_FORMATS) formats.clear();
    formats.set(key, format);
    return format;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ArgumentError("needs a currency such as 'EUR', and a locale such as 'de-DE'");
  }
}

/** Three letters; Intl asks no more of one. */
const currencyParam = parsedParam("currency", (text) => {
  if (/^[A-Za-z]{3}$/.test(text)) return text.toUpperCase();
  throw new ArgumentError("needs a currency of three letters, such as 'EUR'");
});

const localeParam = parsedParam("locale", (text) => {
  formatOf("USD", text);
  return text;
});

export const OTHER_FILTERS: readonly Filter[] = [
  defineFilter(
    "default",
    "Another value in place of what is missing, null or empty. false stays.",
    {
      params: [anyParam("value")],
      html: "keeps",
      apply: (input, _, other) => (isEmpty(input) ? other : input),
    },
  ),
  defineFilter("json", "As JSON text.", {
    apply: (input, cost) => {
      const text = writeJson(input ?? null, MAX_JSON_DEPTH, cost);
      cost.text(text.length);
      checkLength(text.length);
      return text;
    },
  }),
  defineTextFilter("parse_json", "The value that JSON text stands for.", { apply: readJson }),
  defineGivenFilter("to_number", "As a number.", toNumber),
  defineGivenFilter("to_string", "As text, in the way it prints.", textOf),
  defineGivenFilter("to_boolean", "As true or false.", toBoolean),
  defineGivenFilter("keys", "The names of an object's fields.", (input, cost) =>
    Object.keys(toFields(input, cost)),
  ),
  defineGivenFilter("values", "The values of an object's fields.", (input, cost) =>
    Object.values(toFields(input, cost)),
  ),
  defineFilter(
    "raw",
    "Not escaped where values are put into HTML; the same value everywhere else.",
    {
      html: "raw",
      apply: (input) => input,
    },
  ),
  defineFilter(
    "currency",
    "As an amount of money in whole units, such as dollars. Default locale: en-US.",
    {
      params: [currencyParam, optional(localeParam)],
      apply: (input, cost, currency, locale = "en-US") => {
        if (input === undefined || input === null) return input;
        cost.visit(CURRENCY_VISITS);
        return formatOf(currency, locale).format(toNumber(input));
      },
    },
  ),
  defineTextFilter("sha256", "The SHA-256 hash, in hexadecimal.", {
    apply: (text, cost) => {
      cost.text(text.length * HASH_FACTOR);
      return sha256(text);
    },
  }),
  defineTextFilter("hmac_sha256", "The HMAC with SHA-256, in hexadecimal.", {
    params: [textParam("key")],
    apply: (text, cost, key) => {
      cost.text((text.length + key.length) * HASH_FACTOR);
      return hmacSha256(text, key);
    },
  }),
];
