// What the benchmark is doing, on standard error: the result on standard output stays clean.

export interface Progress {
  /** A new piece of work begins. */
  stage(text: string): void;
  /** How far the present one is; seldom shown where nobody watches. */
  update(text: string): void;
  /** What came of it. */
  result(text: string): void;
}

const UPDATE_EVERY_MS = 10_000;
const CLEAR_LINE = "\r\u001B[2K";

export function createProgress(out: NodeJS.WriteStream): Progress {
  let isLineOpen = false;
  let updatedAt = 0;
  const line = (text: string): void => {
    out.write(`${isLineOpen ? CLEAR_LINE : ""}${text}\n`);
    isLineOpen = false;
  };
  return {
    stage: (text) => {
      line(text);
      updatedAt = performance.now();
    },
    update: (text) => {
      if (out.isTTY) {
        out.write(`${CLEAR_LINE}    ${text}`);
        isLineOpen = true;
        return;
      }
      if (performance.now() - updatedAt < UPDATE_EVERY_MS) return;
      line(`    ${text}`);
      updatedAt = performance.now();
    },
    result: (text) => line(`    ${text}`),
  };
}
