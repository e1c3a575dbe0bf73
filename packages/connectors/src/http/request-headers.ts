import type { JsonValue } from "@millrace/protocol";
import { badInput, isObject, unknownField } from "../action-input.ts";
import { checkHeader } from "../guard/check-headers.ts";
import { Refusal } from "../guard/refusal.ts";

/** Names of headers that carry credentials, whatever the vendor calls them. */
const SECRET_NAME = /auth|cookie|key|secret|signature|token/i;
/** Shorter texts are hidden in vain, and stand in many a harmless word. */
const SHORTEST_SECRET = 6;
const AUTH_FIELDS = ["bearer", "username", "password"];

/** @throws {ActionError} action.input-invalid */
export function readHeaders(action: string, value: JsonValue | undefined): Headers {
  const headers = new Headers();
  if (value === undefined || value === null) return headers;
  if (!isObject(value)) throw badInput(action, '"headers" must be an object of names and values.');
  for (const [name, one] of Object.entries(value)) {
    if (one === null) continue;
    if (typeof one === "object")
      throw badInput(action, '"headers" may hold texts, numbers and booleans.');
    setHeader(action, headers, { name, value: String(one) });
  }
  return headers;
}

/**
 * Puts the credentials into `headers`.
 *
 * @returns what of all headers must not be shown
 * @throws {ActionError} action.input-invalid
 */
export function readAuth(
  action: string,
  auth: JsonValue | undefined,
  headers: Headers,
): readonly string[] {
  const secrets = new Set<string>();
  if (auth !== undefined && auth !== null) {
    if (headers.has("authorization")) {
      throw badInput(action, '"auth" cannot stand beside a header Authorization.');
    }
    const { value, secret } = toAuthorization(action, auth);
    setHeader(action, headers, { name: "Authorization", value });
    secrets.add(secret);
  }
  for (const [name, value] of headers) {
    if (!SECRET_NAME.test(name)) continue;
    secrets.add(value);
    // `Bearer abc`: the far side may repeat only the second word.
    secrets.add(value.slice(value.indexOf(" ") + 1));
  }
  return [...secrets].filter((it) => it.length >= SHORTEST_SECRET);
}

function toAuthorization(
  action: string,
  auth: JsonValue,
): { readonly value: string; readonly secret: string } {
  if (!isObject(auth)) throw badInput(action, '"auth" must be an object.');
  const unknown = Object.keys(auth).find((name) => !AUTH_FIELDS.includes(name));
  if (unknown !== undefined) throw unknownField(action, `auth.${unknown}`, AUTH_FIELDS);
  const { bearer, username, password } = auth;
  if (
    typeof bearer === "string" &&
    bearer !== "" &&
    username === undefined &&
    password === undefined
  ) {
    return { value: `Bearer ${bearer}`, secret: bearer };
  }
  const isBasic = typeof username === "string" && typeof password === "string";
  if (!isBasic || bearer !== undefined || username.includes(":")) {
    throw badInput(
      action,
      '"auth" must have either "bearer" or "username" and "password", as texts.',
    );
  }
  const packed = Buffer.from(`${username}:${password}`).toString("base64");
  return { value: `Basic ${packed}`, secret: password };
}

interface Header {
  readonly name: string;
  readonly value: string;
}

function setHeader(action: string, headers: Headers, { name, value }: Header): void {
  try {
    checkHeader(name, value);
    headers.set(name, value);
  } catch (error) {
    if (error instanceof Refusal) throw badInput(action, `${error.message}.`);
    throw error;
  }
}
