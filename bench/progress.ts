// What the benchmark is doing, on standard error: the result on standard output stays clean.

export interface Progress {
  /** A line that stays. */
  say(text: string): void;
  /** A new piece of work begins. */
  stage(text: string): void;
  /** How far the present one is. */
  update(text: string): void;
}

/** Where nobody watches, a sign of life is enough. */
const UPDATE_EVERY_MS = 10_000;
const CLEAR_LINE = "\r\u001B[2K";

export function createProgress(out: NodeJS.WriteStream): Progress {
  let stage = "";
  let shownAt = performance.now();
  const say = (text: string): void => {
    out.write(`${out.isTTY ? CLEAR_LINE : ""}${text}\n`);
    shownAt = performance.now();
  };
  const show = (text: string): void => {
    if (out.isTTY) out.write(`${CLEAR_LINE}    ${text}`.slice(0, out.columns));
    else if (performance.now() - shownAt >= UPDATE_EVERY_MS) say(`    … ${text}`);
  };
  return {
    say,
    stage: (text) => {
      stage = text;
      show(`${text} …`);
    },
    update: (text) => show(`${stage}: ${text}`),
  };
}
