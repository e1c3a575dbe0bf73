// Lists come in pages, as a table or as JSON.
import type { Command } from "commander";
import type { Meta } from "../doors/rest/envelope.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf } from "./io.ts";
import { printJson, printLines, textFlag, type Call } from "./speaking-command.ts";
import { drawTable, type Column } from "./table.ts";

export const addPageFlags = (command: Command): Command =>
  command
    .option("--limit <number>", "how many, up to 100 (default: 50)")
    .option("--cursor <cursor>", "go on where the list before ended");

export interface ListOptions<T> {
  /** Of the API. */
  readonly path: string;
  /** What else the query holds; undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** The list's name in JSON. */
  readonly name: string;
  /** As it is called: `millrace keys list`. */
  readonly command: string;
  readonly columns: readonly Column<T>[];
  /** What to say, and what to do, where the list is empty. */
  readonly empty: string;
}

export async function showList<T>(call: Call, options: ListOptions<T>): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const query = toQuery({
    ...options.query,
    limit: textFlag(flags, "limit"),
    cursor: textFlag(flags, "cursor"),
  });
  const { data, meta } = await client.get<readonly T[]>(`${options.path}${query}`);
  if (isJson) {
    printJson(io, { [options.name]: data, meta });
    return EXIT.done;
  }
  const style = styleOf(io);
  const more = moreLines(meta, options.command, options.query ?? {});
  // With filters a page may be empty and yet not the last one.
  if (data.length > 0) printLines(io, [...drawTable(options.columns, data, style), ...more]);
  else printLines(io, more.length > 0 ? ["None so far.", ...more] : [options.empty]);
  return EXIT.done;
}

/** Begins with `?`; empty: there is nothing in it. */
function toQuery(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) query.set(name, value);
  }
  return query.size === 0 ? "" : `?${query.toString()}`;
}

function moreLines(
  meta: Meta | undefined,
  command: string,
  query: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const cursor = meta?.["cursor"];
  if (typeof cursor !== "string") return [];
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  const again = isFiltered ? "the same with" : `npx ${command}`;
  return ["", `More: ${again} --cursor ${plain(cursor)}`];
}
