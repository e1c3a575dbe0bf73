// What a body says of a key that is to be made or rotated.
import type { KeyLimits } from "@millrace/engine";
import { typeName, type Issue, type JsonValue, type Timestamp } from "@millrace/protocol";
import { DEVELOPMENT_KEY_NAME } from "../../auth/authenticate.ts";
import { LIMITED_CATEGORIES, MAX_KEY_LIMIT, NO_LIMITS } from "../../auth/key-limits.ts";
import { EVERY_SCOPE, ROOT_SCOPE, SCOPES } from "../../auth/scope.ts";
import { suggest } from "../../did-you-mean.ts";
import { invalid, Problem, readFields, readName, readObject, type Reader } from "./read-fields.ts";
import { parseInstant } from "./read-instant.ts";

export interface KeyCreation {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Timestamp | null;
  /** null: `expiresAt` says it. */
  readonly expiresInMs: number | null;
  /** Where they differ from the defaults. */
  readonly limits: Partial<KeyLimits>;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 3_650;
const MOST_GRACE_SECONDS = 7 * 86_400;

/** @throws {MillraceError} request.invalid */
export function readCreation(body: JsonValue): KeyCreation {
  const fields = readFields(body, SHAPE);
  const issues: Issue[] = [];
  const { name, scopes, expiresAt = null, expiresInDays, limits = {} } = fields;
  if (name === undefined) issues.push({ path: ["name"], message: "Required" });
  if (scopes === undefined) issues.push({ path: ["scopes"], message: "Required" });
  if (expiresAt !== null && expiresInDays !== undefined) {
    const message = "Cannot stand beside expiresAt";
    issues.push({ path: ["expiresInDays"], message, hint: "Send one of them" });
  }
  if (issues.length > 0 || name === undefined || scopes === undefined) throw invalid(issues);
  const expiresInMs = expiresInDays === undefined ? null : expiresInDays * DAY_MS;
  return { name, scopes, expiresAt, expiresInMs, limits };
}

const readKeyName: Reader<string> = (value, path) => {
  if (value !== DEVELOPMENT_KEY_NAME) return readName(value, path);
  const message = `"${DEVELOPMENT_KEY_NAME}" is the name of the key that a development server makes for itself`;
  return new Problem({ path, message, hint: "Choose another name" });
};

const readScopes: Reader<readonly string[]> = (value, path) => {
  if (!Array.isArray(value)) {
    return new Problem({ path, message: `Expected array, received ${typeName(value)}` });
  }
  // `isArray` makes any of the items.
  const items = value as readonly JsonValue[];
  if (items.length === 0) return new Problem({ path, message: "Must name at least one scope" });
  const issues: Issue[] = [];
  const scopes = new Set<string>();
  for (const [index, item] of items.entries()) {
    const known = [...SCOPES, EVERY_SCOPE].find((scope) => scope === item);
    if (known === undefined) issues.push({ path: [...path, index], ...unknownScope(item) });
    else scopes.add(known);
  }
  return issues.length > 0 ? new Problem(...issues) : [...scopes];
};

function unknownScope(item: JsonValue): { readonly message: string; readonly hint: string } {
  if (item === ROOT_SCOPE) {
    return { message: "Only the administrator's key has this scope", hint: "Leave it out" };
  }
  const all = [...SCOPES, EVERY_SCOPE];
  const near = typeof item === "string" ? suggest(item, all) : undefined;
  return { message: "Unknown scope", hint: near ?? `One of ${all.join(", ")}` };
}

const readExpiry: Reader<Timestamp | null> = (value, path) => {
  if (value === null) return null;
  const at = typeof value === "string" ? parseInstant(value) : undefined;
  if (at !== undefined) return at;
  return new Problem({ path, message: "Expected an instant like 2027-01-31T12:00:00Z" });
};

const readWholeNumber =
  (least: number, most: number): Reader<number> =>
  (value, path) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? value
      : new Problem({ path, message: `Expected a whole number from ${least} to ${most}` });

export const readGraceSeconds: Reader<number> = readWholeNumber(0, MOST_GRACE_SECONDS);

const readLimits: Reader<Partial<KeyLimits>> = (value, path) => {
  if (value === null) return NO_LIMITS;
  const object = readObject(value, path);
  if (object instanceof Problem) return object;
  const issues: Issue[] = [];
  const limits: { -readonly [K in keyof KeyLimits]?: number | null } = {};
  for (const [name, limit] of Object.entries(object)) {
    const category = LIMITED_CATEGORIES.find((it) => it === name);
    if (category === undefined) {
      const hint = suggest(name, LIMITED_CATEGORIES) ?? `One of ${LIMITED_CATEGORIES.join(", ")}`;
      issues.push({ path: [...path, name], message: "Unknown field", hint });
      continue;
    }
    const read = limit === null ? null : readWholeNumber(1, MAX_KEY_LIMIT)(limit, [...path, name]);
    if (read instanceof Problem) issues.push(...read.issues);
    else limits[category] = read;
  }
  return issues.length > 0 ? new Problem(...issues) : limits;
};

const SHAPE = {
  name: readKeyName,
  scopes: readScopes,
  expiresAt: readExpiry,
  expiresInDays: readWholeNumber(1, MOST_DAYS),
  limits: readLimits,
};
