// What is different between two JSON values, as paths. Lists whose elements have ids are compared by id, so that a step
// put in between is one change, not a change of all behind it.
import type { JsonValue } from "@millrace/protocol";
import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type JsonObject } from "./read-json-file.ts";

export type Change =
  | { readonly kind: "added"; readonly path: string; readonly after: JsonValue }
  | { readonly kind: "removed"; readonly path: string; readonly before: JsonValue }
  | {
      readonly kind: "changed";
      readonly path: string;
      readonly before: JsonValue;
      readonly after: JsonValue;
    }
  | {
      /** The same elements in another order. */
      readonly kind: "moved";
      readonly path: string;
      readonly before: readonly string[];
      readonly after: readonly string[];
    };

/** Empty: they are equal. In the order of `before`, what was added behind it. */
export function compareJson(before: JsonValue, after: JsonValue, path = ""): readonly Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isJsonObject(before) && isJsonObject(after)) return compareFields(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path);
  return [{ kind: "changed", path, before, after }];
}

function compareFields(before: JsonObject, after: JsonObject, path: string): readonly Change[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) =>
    compareMaybe(before[name], after[name], path === "" ? name : `${path}.${name}`),
  );
}

function compareMaybe(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: string,
): readonly Change[] {
  if (before === undefined) return after === undefined ? [] : [{ kind: "added", path, after }];
  if (after === undefined) return [{ kind: "removed", path, before }];
  return compareJson(before, after, path);
}

function compareLists(
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  path: string,
): readonly Change[] {
  const [old, young] = [indexById(before), indexById(after)];
  if (old === null || young === null) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, at) =>
      compareMaybe(before[at], after[at], `${path}[${at}]`),
    ).flat();
  }
  const ids = new Set([...old.keys(), ...young.keys()]);
  const inside = [...ids].flatMap((id) =>
    compareMaybe(old.get(id), young.get(id), `${path}[${id}]`),
  );
  const stayed = [...old.keys()].filter((id) => young.has(id));
  const now = [...young.keys()].filter((id) => old.has(id));
  if (isDeepStrictEqual(stayed, now)) return inside;
  return [{ kind: "moved", path, before: stayed, after: now }, ...inside];
}

/** null: not all elements have an id of their own. */
function indexById(list: readonly JsonValue[]): ReadonlyMap<string, JsonValue> | null {
  const byId = new Map<string, JsonValue>();
  for (const one of list) {
    const id = isJsonObject(one) ? one["id"] : undefined;
    if (typeof id !== "string" || byId.has(id)) return null;
    byId.set(id, one);
  }
  return byId;
}
