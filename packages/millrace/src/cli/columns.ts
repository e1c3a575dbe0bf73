// How wide text stands in a terminal: a letter with its accents is one cell, an emoji or a Chinese character two.
import widthOf from "fast-string-width";

const NARROW = /^[\u0020-\u007e]*$/;
const INVISIBLE = /^[\p{Mark}\p{Format}]+$/u;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Cells that `text` takes; it has no control characters. */
export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfOne(segment);
  return columns;
}

const columnsOfOne = (grapheme: string): number =>
  INVISIBLE.test(grapheme) ? 0 : widthOf(grapheme);

/** At most `columns` wide, with an ellipsis where something is missing; never half a character. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const isShort = columns < 2;
  const room = isShort ? columns : columns - 1;
  let [kept, used] = ["", 0];
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOfOne(segment);
    if (used > room) break;
    kept += segment;
  }
  return isShort ? kept : `${kept}…`;
}

/** As `String.padEnd`, in cells. */
export const padEnd = (text: string, columns: number): string => text + gap(text, columns);

/** As `String.padStart`, in cells. */
export const padStart = (text: string, columns: number): string => gap(text, columns) + text;

const gap = (text: string, columns: number): string =>
  " ".repeat(Math.max(0, columns - columnsOf(text)));
