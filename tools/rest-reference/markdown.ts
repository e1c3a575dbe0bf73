// What every part of the reference page is written with.
import type { JsonSchema } from "../../packages/millrace/src/route.ts";
import { typeOf, type Word } from "../../packages/millrace/src/doors/openapi/schema-words.ts";

export const renderType = (schema: JsonSchema): string => typeOf(schema).map(renderWord).join("");

function renderWord({ kind, text }: Word): string {
  if (kind === "code") return `\`${text}\``;
  return kind === "schema" ? linkSchema(text) : text.replaceAll("*", "\\*");
}

/** Parts of a component lead to the whole. */
export const linkSchema = (name: string): string => link(name, name.split("/")[0] ?? "");

/** To a heading, as GitHub makes anchors of them. */
export const link = (words: string, heading: string): string =>
  `[${words}](#${heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-")})`;

export function toTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => "---"), ...rows.map((row) => row.map(toCell))];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const toCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
