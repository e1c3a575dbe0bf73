// How wide text stands in a terminal: a letter with its accents is one cell, an emoji or a Chinese character two.

const NARROW = /^[\u0020-\u007e]*$/;
const INVISIBLE = /^[\p{Mark}\p{Format}]+$/u;
const EMOJI = /^\p{Emoji_Presentation}|\ufe0f/u;
/** East Asian Width W and F, in the blocks that are so throughout. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Cells that `text` takes; it has no control characters. */
export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfOne(segment);
  return columns;
}

function columnsOfOne(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return EMOJI.test(grapheme) || WIDE.test(grapheme) ? 2 : 1;
}

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
