// A terminal as a picture: lines with the few colour codes that the command prints become SVG that loads nothing,
// runs nothing, and looks the same on a light page and a dark one.
//
//   P1. Text stands on a grid of cells, whatever monospaced font the reader has: each part says where it begins and
//       how wide it is.
//   P2. A picture can be read again: drawing what was read gives the same picture, to the byte.

/** As Node's `styleText` says them: `bold` and `dim` together with one colour. */
const COLORS = { red: "31", green: "32", yellow: "33", cyan: "36" } as const;
const ENDS_BOLD_OR_DIM = "22";
const ENDS_COLOR = "39";

type Color = keyof typeof COLORS;

/** Neighbouring cells that look alike. */
export interface Part {
  /** The first cell, from 0. */
  readonly column: number;
  readonly text: string;
  readonly color: Color | null;
  readonly weight: "bold" | "dim" | null;
}

export type Line = readonly Part[];

export interface Picture {
  /** Above the text, in the frame. */
  readonly title: string;
  /** Says in words what is to be seen, for who does not see it. */
  readonly words: string;
  readonly lines: readonly Line[];
}

type Look = Pick<Part, "color" | "weight">;

const PLAIN: Look = { color: null, weight: null };

/** Takes back what was written before it on its line. */
const ERASED = "\r\u001b[K";

/**
 * What a terminal of this width shows after `text` was written to it.
 *
 * @throws {Error} for a code that the command does not use
 */
export function toLines(text: string, columns: number): readonly Line[] {
  const lines: Line[] = [];
  let look = PLAIN;
  for (const written of text.replace(/\n$/, "").split("\n")) {
    const parts: Part[] = [];
    let column = 0;
    // oxlint-disable-next-line no-control-regex -- it is what is looked for
    for (const piece of lastOf(written).split(/(\u001b\[[0-9;]*[A-Za-z])/)) {
      if (piece.startsWith("\u001b")) look = toLook(piece, look);
      else {
        for (const cell of piece) {
          if (column === columns) {
            lines.push(joinParts(parts.splice(0)));
            column = 0;
          }
          parts.push({ column, text: cell, ...look });
          column += 1;
        }
      }
    }
    lines.push(joinParts(parts));
  }
  return lines;
}

const lastOf = (written: string): string => written.split(ERASED).at(-1) ?? "";

function toLook(code: string, look: Look): Look {
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  const [, number] = /^\u001b\[(\d+)m$/.exec(code) ?? [];
  if (number === "1") return { ...look, weight: "bold" };
  if (number === "2") return { ...look, weight: "dim" };
  if (number === ENDS_BOLD_OR_DIM) return { ...look, weight: null };
  if (number === ENDS_COLOR) return { ...look, color: null };
  const color = Object.entries(COLORS).find(([, it]) => it === number)?.[0];
  if (color === undefined) throw new Error(`the picture knows no ${JSON.stringify(code)}`);
  // A key of the table.
  return { ...look, color: color as Color };
}

/** Cells of one look become one part; a gap of spaces is not drawn, and ends it. */
function joinParts(cells: readonly Part[]): Line {
  const parts: Part[] = [];
  for (const cell of cells) {
    const last = parts.at(-1);
    const isNext = last !== undefined && last.column + last.text.length === cell.column;
    if (isNext && last.color === cell.color && last.weight === cell.weight) {
      parts[parts.length - 1] = { ...last, text: last.text + cell.text };
    } else parts.push(cell);
  }
  return parts.flatMap(splitAtGaps);
}

const splitAtGaps = (part: Part): readonly Part[] =>
  Array.from(part.text.matchAll(/\S+(?: \S+)*/g), ({ 0: text, index }) => ({
    ...part,
    column: part.column + index,
    text,
  }));

/** Of one cell, in pixels, at the size of the text below. */
const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 20;
const TEXT_SIZE = 14;
const MARGIN = 20;
const BAR_HEIGHT = 36;
/** From the top of a cell to the line that letters stand on. */
const BASELINE = 15;

const STYLE = `
text { font: ${TEXT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3; white-space: pre; }
.title { font: 600 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #9198a1; }
.bold { font-weight: 700; } .dim { fill: #9198a1; }
.red { fill: #ff7b72; } .green { fill: #3fb950; } .yellow { fill: #e3b341; } .cyan { fill: #56d4dd; }
`;

export function drawPicture({ title, words, lines }: Picture, columns: number): string {
  const width = Math.ceil(columns * CELL_WIDTH) + 2 * MARGIN;
  const height = BAR_HEIGHT + lines.length * CELL_HEIGHT + MARGIN;
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map(
    (fill, at) => `<circle cx="${MARGIN + at * 20}" cy="18" r="6" fill="${fill}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(words)}">`,
    `<style>${STYLE}</style>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="#0d1117" stroke="#3d444d"/>`,
    ...dots,
    `<text class="title" x="${width / 2}" y="23" text-anchor="middle">${escape(title)}</text>`,
    ...lines.flatMap((line, row) => line.map((part) => drawPart(part, row))),
    "</svg>",
    "",
  ].join("\n");
}

const toX = (column: number): string => (MARGIN + column * CELL_WIDTH).toFixed(1);
const toY = (row: number): number => BAR_HEIGHT + row * CELL_HEIGHT + BASELINE;

function drawPart({ column, text, color, weight }: Part, row: number): string {
  const classes = [color, weight].filter((it) => it !== null).join(" ");
  const look = classes === "" ? "" : ` class="${classes}"`;
  const length = (text.length * CELL_WIDTH).toFixed(1);
  return `<text${look} x="${toX(column)}" y="${toY(row)}" textLength="${length}">${escape(text)}</text>`;
}

const PART =
  /^<text(?: class="(red|green|yellow|cyan)?(?: ?(bold|dim))?")? x="([\d.]+)" y="(\d+)" textLength="[\d.]+">(.*)<\/text>$/;

/** What `drawPicture` was given. @throws {Error} if it did not draw this */
export function readPicture(svg: string): Picture {
  const [, words] = /aria-label="([^"]*)"/.exec(svg) ?? [];
  const [, title] = /<text class="title"[^>]*>(.*)<\/text>/.exec(svg) ?? [];
  const [, height] = / viewBox="0 0 \d+ (\d+)"/.exec(svg) ?? [];
  if (words === undefined || title === undefined || height === undefined) {
    throw new Error("this is no picture of a terminal");
  }
  const count = (Number(height) - BAR_HEIGHT - MARGIN) / CELL_HEIGHT;
  const lines: Part[][] = Array.from({ length: count }, () => []);
  for (const drawn of svg.split("\n")) {
    const match = PART.exec(drawn);
    if (match === null) continue;
    const [, color, weight, x, y, text = ""] = match;
    lines[(Number(y) - BASELINE - BAR_HEIGHT) / CELL_HEIGHT]?.push({
      column: Math.round((Number(x) - MARGIN) / CELL_WIDTH),
      text: unescape(text),
      // The pattern knows no others.
      color: (color ?? null) as Part["color"],
      weight: (weight ?? null) as Part["weight"],
    });
  }
  return { title: unescape(title), words: unescape(words), lines };
}

const ENTITIES = [
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
] as const;

const escape = (text: string): string =>
  ENTITIES.reduce((all, [sign, entity]) => all.replaceAll(sign, entity), text);
const unescape = (text: string): string =>
  ENTITIES.toReversed().reduce((all, [sign, entity]) => all.replaceAll(entity, sign), text);
