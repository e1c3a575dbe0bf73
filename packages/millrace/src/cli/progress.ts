// A bar on standard error that is drawn over itself, at a terminal only; results go to standard output all the same.
import { glyphsOf } from "./glyphs.ts";
import { styleOf, type Io } from "./io.ts";

export interface Progress {
  /** Draws it, no more often than anybody could see. */
  show(done: number): void;
  /** Takes it away; then other lines may be written. */
  clear(): void;
}

const FRAME_MS = 50;
const LARGEST_BAR = 40;

/** @param word what is done: `started` */
export function createProgress(io: Io, total: number, word: string): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show: (done) => {
      const now = performance.now();
      if (io.terminal() === null || (now - drawnAt < FRAME_MS && done < total)) return;
      drawnAt = now;
      isDrawn = true;
      io.err(`\r\u001b[K${drawProgress(done, total, word, io)}`);
    },
    clear: () => {
      if (isDrawn) io.err("\r\u001b[K");
      isDrawn = false;
    },
  };
}

export const formatCount = (count: number): string => count.toLocaleString("en-US");

function drawProgress(done: number, total: number, word: string, io: Io): string {
  const style = styleOf(io);
  const { work, pause } = glyphsOf(style);
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const words = `${percent}  ${formatCount(done)} of ${formatCount(total)} ${word}`;
  const cells = Math.max(0, Math.min(LARGEST_BAR, style.columns - words.length - 3));
  const full = Math.floor(cells * share);
  const bar =
    style.paint("green", work.repeat(full)) + style.paint("dim", pause.repeat(cells - full));
  return `${bar} ${words}`;
}
