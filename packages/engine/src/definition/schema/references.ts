// `$ref`: names a schema of the same document by its place.
import type { SchemaNode } from "./schema-node.ts";

export type Target =
  | { readonly ok: true; /** `/$defs/name`; empty: the whole schema. */ readonly pointer: string }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** A name as a part of a pointer. */
export const toPointer = (name: string | number): string =>
  `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;

const HINT = "refer to `#/$defs/<name>`, or to `#` for the whole schema";

export function toTarget(reference: string): Target {
  if (!reference.startsWith("#")) {
    return { ok: false, message: "Refers to another document, which is never fetched", hint: HINT };
  }
  const pointer = decode(reference.slice(1));
  if (pointer === undefined || !/^(?:$|\/(?:\$defs|definitions)\/)/.test(pointer)) {
    return { ok: false, message: "Does not refer to a schema in `$defs`", hint: HINT };
  }
  return { ok: true, pointer };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign without two digits.
    return undefined;
  }
}

/** A value may go through this many schemas as it is. */
const MAX_WAYS = 256;

/**
 * Follows values from schema to schema as far as they stay as they are.
 *
 * @param ways where a schema hands its value on to
 * @returns a schema whose way leads back to it, or on through more than `MAX_WAYS`; undefined: there is none
 */
export function findEndlessWay(
  nodes: Iterable<SchemaNode>,
  ways: ReadonlyMap<SchemaNode, readonly SchemaNode[]>,
): { readonly node: SchemaNode; readonly isCircle: boolean } | undefined {
  /** Schemas on the longest way on from a schema; 0 while it is walked. */
  const lengths = new Map<SchemaNode, number>();
  for (const start of nodes) {
    const stack = [start];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      if ((lengths.get(node) ?? 0) > 0) {
        stack.pop();
        continue;
      }
      lengths.set(node, 0);
      const next = ways.get(node) ?? [];
      if (next.some((one) => lengths.get(one) === 0)) return { node, isCircle: true };
      const unknown = next.filter((one) => !lengths.has(one));
      stack.push(...unknown);
      if (unknown.length > 0) continue;
      const length = Math.max(0, ...next.map((one) => lengths.get(one) ?? 0)) + 1;
      if (length > MAX_WAYS) return { node, isCircle: false };
      lengths.set(node, length);
    }
  }
  return undefined;
}
