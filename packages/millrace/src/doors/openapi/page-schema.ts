// A schema as people read one: a line for its type, a table for its fields, links to those that have a name.
import type { JsonValue } from "@millrace/protocol";
import type { JsonSchema } from "../../route.ts";
import { html, inline, NOTHING, type Html } from "./html.ts";

const REFERENCE = "#/components/schemas/";

/** @param schema with references in place of those that have a name */
export function renderSchema(schema: JsonSchema): Html {
  const properties = toSchema(schema["properties"]);
  const required = toList(schema["required"]);
  const rows = Object.entries(properties ?? {}).map(([name, it]) =>
    renderField(name, toSchema(it) ?? {}, required.includes(name)),
  );
  const parts = toList(schema["allOf"]).map((part) => renderSchema(toSchema(part) ?? {}));
  const items = toSchema(schema["items"]);
  const inner = items?.["properties"] === undefined ? NOTHING : renderSchema(items);
  const fields = rows.length === 0 ? NOTHING : renderTable(rows);
  // The type of what has a table is said by the table.
  const isPlain = rows.length === 0 && parts.length === 0;
  return html`${isPlain || inner !== NOTHING ? html`<p>${typeOf(schema)}</p>` : NOTHING}${parts}${fields}${inner}`;
}

export const renderTable = (rows: readonly Html[]): Html =>
  html`<table>
    <thead>
      <tr>
        <th>Name</th>
        <th>Type</th>
        <th>Meaning</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;

export function renderField(name: string, schema: JsonSchema, isRequired: boolean): Html {
  const { description } = schema;
  const inner = toSchema(schema["properties"]) === undefined ? NOTHING : renderSchema(schema);
  return html`<tr>
    <td><code>${name}</code>${isRequired ? html` *` : NOTHING}</td>
    <td>${typeOf(schema)}</td>
    <td>${typeof description === "string" ? inline(description) : NOTHING}${inner}</td>
  </tr>`;
}

/** `string, 1 to 255`, `list of Run`, `"a" | "b"`. */
function typeOf(schema: JsonSchema): Html {
  const { $ref, type, items, anyOf, const: only } = schema;
  if (typeof $ref === "string") return link($ref);
  if (only !== undefined) return html`<code>${JSON.stringify(only)}</code>`;
  if (Array.isArray(schema["enum"])) return choices(toList(schema["enum"]));
  if (anyOf !== undefined) {
    return join(toList(anyOf).map((it) => typeOf(toSchema(it) ?? {})));
  }
  if (items !== undefined) return html`list of ${typeOf(toSchema(items) ?? {})}`;
  const types = typeof type === "string" ? [type] : toList(type).map(String);
  const values = toSchema(schema["additionalProperties"]);
  const name = types.length === 0 ? "any JSON" : types.join(" or ");
  return values === undefined
    ? html`${name}${limitsOf(schema)}`
    : html`object of ${typeOf(values)}${limitsOf(schema)}`;
}

function link(reference: string): Html {
  const name = reference.startsWith(REFERENCE) ? reference.slice(REFERENCE.length) : reference;
  return html`<a href="#schema-${name}">${name}</a>`;
}

const LIMITS = [
  ["minimum", "from "],
  ["maximum", "to "],
  ["minLength", "length from "],
  ["maxLength", "length to "],
  ["maxProperties", "at most "],
  ["pattern", "like "],
  ["format", ""],
  ["default", "default "],
] as const;

function limitsOf(schema: JsonSchema): Html {
  const said = LIMITS.flatMap(([keyword, words]) => {
    const value = schema[keyword];
    if (value === undefined) return [];
    return [`, ${words}${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
  return html`${said.join("")}`;
}

const choices = (values: readonly JsonValue[]): Html =>
  join(values.map((value) => html`<code>${JSON.stringify(value)}</code>`));

const join = (parts: readonly Html[]): Html =>
  html`${parts.map((part, at) => (at === 0 ? part : html` or ${part}`))}`;

function toSchema(value: JsonValue | undefined): JsonSchema | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  // `isArray` does not narrow read-only arrays away.
  return value as JsonSchema;
}

/** `isArray` makes a readonly list `any[]`. */
const toList = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : [];
