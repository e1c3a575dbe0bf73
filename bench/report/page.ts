// Puts a report into its page, between two markers; what is written around them stays.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { ROOT } from "../bench.ts";
import type { StoreName } from "../engine/store.ts";
import type { Report } from "./report.ts";
import { toContext, toRows } from "./table.ts";

export const PAGE = "docs/reference/performance.md";

/** Each store has a table of its own. */
const NAMES: Readonly<Record<StoreName, string>> = { sqlite: "bench", postgres: "bench-postgres" };

/** @throws {Error} the page has no markers */
export async function writePage(report: Report): Promise<void> {
  const file = join(ROOT, PAGE);
  await writeFile(file, await fillPage(await readFile(file, "utf8"), report));
}

/** What stood between the markers goes. */
export function fillPage(page: string, report: Report): Promise<string> {
  const name = NAMES[report.store.name];
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...others] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined || more.length + others.length > 0) {
    throw new Error(`${PAGE} must hold ${begin} and, after it, ${end}, once each`);
  }
  const text = `${before}${begin}\n\n${toMarkdown(report)}\n\n${end}${after}`;
  return format(text, { parser: "markdown", printWidth: 100 });
}

function toMarkdown(report: Report): string {
  const [titles = [], ...rows] = toRows(report);
  const draw = (row: readonly string[]): string =>
    `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = titles.map((_, i) => (i === 1 || i === 2 ? "---:" : "---"));
  return [
    ...toContext(report).flatMap((line) => [line, ""]),
    ...[titles, rule, ...rows].map(draw),
  ].join("\n");
}
