// From a step's input to Stripe's parameters: camelCase becomes Stripe's spelling, at any depth but inside
// `metadata`, whose keys are the author's; `customerId` is `customer`, and so on.
import type { JsonValue } from "@millrace/protocol";
import {
  badInput,
  isObject,
  readFields,
  toCamelCase,
  toSnakeCase,
  unknownField,
  type JsonObject,
} from "../action-input.ts";

/** Names that people write, and what Stripe calls them. */
const ALIASES: Readonly<Record<string, string>> = {
  charge_id: "charge",
  customer_id: "customer",
  invoice_id: "invoice",
  payment_intent_id: "payment_intent",
  payment_method_id: "payment_method",
  refund_id: "refund",
  subscription_id: "subscription",
};

export interface ParameterRequest {
  readonly action: string;
  /** What Stripe knows of this call. */
  readonly known: readonly string[];
  /** What the id in the path is of; null: there is none. */
  readonly subject: string | null;
  /** Further names, which are ours; they come back as they are. */
  readonly extra?: readonly string[];
  /** Keep null, which clears a field; else null counts as not given. */
  readonly keepsNull?: boolean;
}

export interface StripeParameters {
  /** For the path; empty if there is no `subject`. */
  readonly id: string;
  readonly parameters: JsonObject;
  readonly extra: JsonObject;
}

const ID = /^[A-Za-z0-9_]{1,255}$/;

/** @throws {ActionError} action.input-invalid */
export function toParameters(input: JsonValue, request: ParameterRequest): StripeParameters {
  const { action, known, subject, extra = [], keepsNull = false } = request;
  const found = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(readFields(action, input))) {
    if (value === null && !keepsNull) continue;
    const parameter = toParameter(name, request);
    if (parameter === undefined) throw unknownField(action, name, namesOf(request));
    if (found.has(parameter)) throw badInput(action, `\`${parameter}\` is given twice.`);
    found.set(parameter, value);
  }
  const take = (names: readonly string[]): JsonObject =>
    Object.fromEntries(
      [...found].filter(([name]) => names.includes(name)).map(([name, value]) => [name, value]),
    );
  return {
    id: subject === null ? "" : readId(action, subject, found.get(SUBJECT)),
    parameters: toStripeCase(take(known)),
    extra: take(extra),
  };
}

/** No name of Stripe's, so that it cannot be mixed up with one. */
const SUBJECT = "the id";

function toParameter(name: string, request: ParameterRequest): string | undefined {
  const { known, subject, extra = [] } = request;
  if (extra.includes(name)) return name;
  const snake = toSnakeCase(name);
  const parameter = Object.hasOwn(ALIASES, snake) ? (ALIASES[snake] ?? snake) : snake;
  if (subject !== null && (parameter === subject || name === "id")) return SUBJECT;
  return known.includes(parameter) ? parameter : undefined;
}

function readId(action: string, subject: string, value: JsonValue | undefined): string {
  const name = `${toCamelCase(subject)}Id`;
  if (value === undefined) throw badInput(action, `\`${name}\` is missing.`);
  if (typeof value !== "string" || !ID.test(value)) {
    throw badInput(action, `\`${name}\` must be an id of Stripe.`);
  }
  return value;
}

/** As authors write them. */
function namesOf({ known, subject, extra = [] }: ParameterRequest): readonly string[] {
  const aliased = new Set(Object.values(ALIASES));
  const written = known.map((name) => `${toCamelCase(name)}${aliased.has(name) ? "Id" : ""}`);
  return [...(subject === null ? [] : [`${toCamelCase(subject)}Id`]), ...extra, ...written];
}

function toStripeCase(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      toSnakeCase(name),
      name === "metadata" ? value : convert(value),
    ]),
  );
}

function convert(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => convert(item));
  return isObject(value) ? toStripeCase(value) : value;
}
