import type { JsonValue } from "@millrace/protocol";
import { isList, isObject } from "../json-shape.ts";

/** Text that two values share exactly if they are equal: objects whatever the order of their fields. */
export function toCanonicalText(value: JsonValue): string {
  if (isList(value)) return `[${value.map(toCanonicalText).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${toCanonicalText(field)}`);
  return `{${fields.join()}}`;
}
