// Rows and columns that fit the terminal. Columns that may shrink give way, the widest first; ids never do.
import { columnsOf, cut, padEnd, padStart } from "./columns.ts";
import { plain, type Color, type Style } from "./io.ts";

export interface Column<T> {
  readonly title: string;
  /** What stands in the cell; control characters are taken out. */
  readonly show: (row: T) => string;
  readonly color?: (row: T) => Color | null;
  /** Default left. */
  readonly align?: "right";
  /** May be cut to fit the line. */
  readonly shrinks?: true;
}

const GAP = 2;
const LEAST = 6;

/** The titles, then a line for each row. No line is wider than the terminal. */
export function drawTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  style: Style,
): readonly string[] {
  const cells = rows.map((row) => columns.map(({ show }) => plain(show(row))));
  const widths = fit(columns, cells, style.columns);
  const head = columns.map((column, at) => pad(column, column.title, widths[at] ?? 0));
  return [
    style.paint("dim", cut(head.join(" ".repeat(GAP)).trimEnd(), style.columns)),
    ...rows.map((row, y) => {
      const parts = columns.map((column, x) => {
        const text = pad(column, cells[y]?.[x] ?? "", widths[x] ?? 0);
        const shown = x === columns.length - 1 ? text.trimEnd() : text;
        const color = column.color?.(row) ?? null;
        return color === null ? shown : style.paint(color, shown);
      });
      return parts.join(" ".repeat(GAP)).trimEnd();
    }),
  ];
}

function pad<T>({ align }: Column<T>, text: string, width: number): string {
  const shown = cut(text, width);
  return align === "right" ? padStart(shown, width) : padEnd(shown, width);
}

function fit<T>(
  columns: readonly Column<T>[],
  cells: readonly (readonly string[])[],
  room: number,
): readonly number[] {
  const widths = columns.map(({ title }, x) =>
    cells.reduce((most, row) => Math.max(most, columnsOf(row[x] ?? "")), title.length),
  );
  let excess = widths.reduce((sum, width) => sum + width, GAP * (columns.length - 1)) - room;
  while (excess > 0) {
    const widest = widestOf(columns, widths, true) ?? widestOf(columns, widths, false);
    if (widest === undefined) return widths;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function widestOf<T>(
  columns: readonly Column<T>[],
  widths: readonly number[],
  mustShrink: boolean,
): number | undefined {
  let found: number | undefined;
  for (const [at, width] of widths.entries()) {
    if (width <= LEAST || (mustShrink && columns[at]?.shrinks !== true)) continue;
    if (found === undefined || width > (widths[found] ?? 0)) found = at;
  }
  return found;
}
