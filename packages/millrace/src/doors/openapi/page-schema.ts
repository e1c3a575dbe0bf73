// A schema as people read one: a line for its type, a table for its fields, links to those that have a name.
import type { JsonSchema } from "../../route.ts";
import { html, inline, NOTHING, type Html } from "./html.ts";
import { descriptionOf, fieldsOf, insideOf, partsOf, typeOf, type Word } from "./schema-words.ts";

/** @param schema with references in place of those that have a name */
export function renderSchema(schema: JsonSchema): Html {
  const rows = fieldsOf(schema).map((it) => renderField(it.name, it.schema, it.isRequired));
  const parts = partsOf(schema).map(renderSchema);
  const inside = rows.length > 0 ? null : insideOf(schema);
  const inner = inside === null ? NOTHING : renderSchema(inside.schema);
  const fields = rows.length === 0 ? NOTHING : renderTable(rows);
  // The type of what has a table is said by the table.
  const isPlain = rows.length === 0 && parts.length === 0;
  return html`${isPlain || inner !== NOTHING ? html`<p>${renderType(schema)}</p>` : NOTHING}${parts}${fields}${inner}`;
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
  const inside = insideOf(schema);
  const inner = inside === null ? NOTHING : renderSchema(inside.schema);
  return html`<tr>
    <td><code>${name}</code>${isRequired ? html` *` : NOTHING}</td>
    <td>${renderType(schema)}</td>
    <td>${inline(descriptionOf(schema))}${inner}</td>
  </tr>`;
}

export const renderType = (schema: JsonSchema): Html => html`${typeOf(schema).map(renderWord)}`;

function renderWord({ kind, text }: Word): Html {
  if (kind === "code") return html`<code>${text}</code>`;
  return kind === "schema" ? html`<a href="#schema-${text}">${text}</a>` : html`${text}`;
}
