// Reads what people read: the Markdown pages of the repository, their tables and their fenced blocks.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../workspace.ts";

export interface Page {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

export interface Fence {
  readonly page: string;
  /** Of its first line inside. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** A row by column title; code marks are left out. */
export type TableRow = Readonly<Record<string, string>>;

export const readPage = (path: string): Page => ({
  path,
  text: readFileSync(join(ROOT, path), "utf8"),
});

/** README, CONTRIBUTING and everything below `docs`. */
export function readPages(): readonly Page[] {
  const paths = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
  return paths.toSorted().map(readPage);
}

export function readFences({ path, text }: Page): readonly Fence[] {
  const fences: Fence[] = [];
  let open: { line: number; language: string; lines: string[] } | null = null;
  for (const [at, line] of text.split("\n").entries()) {
    const mark = /^\s*```(\w*)/.exec(line);
    if (mark === null) open?.lines.push(line);
    else if (open === null) open = { line: at + 2, language: mark[1] ?? "", lines: [] };
    else {
      const { lines, ...rest } = open;
      fences.push({ page: path, ...rest, text: lines.join("\n") });
      open = null;
    }
  }
  return fences;
}

/** The part of a page below a heading of the second level. */
export function readSection({ path, text }: Page, heading: string): Page {
  const [, after] = text.split(`\n## ${heading}\n`);
  if (after === undefined) throw new Error(`${path} has no section "${heading}"`);
  return { path: `${path}, ${heading}`, text: after.split("\n## ")[0] ?? "" };
}

/** Each table of a page, in order. */
function readTables({ text }: Page): readonly (readonly TableRow[])[] {
  const blocks = text.match(/(?:^\|.*\|$\n?)+/gm) ?? [];
  return blocks.map((block) => {
    const [titles = [], , ...rows] = block.trim().split("\n").map(toCells);
    return rows.map((cells) =>
      Object.fromEntries(titles.map((title, at) => [title, cells[at] ?? ""])),
    );
  });
}

/** The one table of a page that has these columns. */
export function readTable(page: Page, ...columns: readonly string[]): readonly TableRow[] {
  const found = readTables(page).filter(([first]) =>
    columns.every((column) => first !== undefined && column in first),
  );
  const [table] = found;
  if (table === undefined || found.length > 1) {
    throw new Error(`${page.path} has ${found.length} tables with ${columns.join(", ")}`);
  }
  return table;
}

const toCells = (line: string): string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("`", "").replaceAll("\\|", "|"));
