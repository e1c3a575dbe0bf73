import { styleText } from "node:util";

/** What a command knows of the world outside; tests bring their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** How the server is reached. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** The command's result: standard output. */
  readonly out: (text: string) => void;
  /** What goes beside it: standard error. */
  readonly err: (text: string) => void;
  /** Of the terminal behind standard output; null: there is none. */
  readonly terminal: () => { readonly columns: number; readonly rows: number } | null;
  /** All of standard input. */
  readonly readInput: () => Promise<string>;
  /** Resolves when the process is asked to stop. */
  readonly untilStopped: () => Promise<void>;
}

export type Color = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
export type Paint = (color: Color, text: string) => string;

/** How much may be drawn, and with what. */
export interface Style {
  readonly columns: number;
  readonly paint: Paint;
  /** False: the locale says that the terminal shows ASCII only. */
  readonly hasUnicode: boolean;
}

const DEFAULT_COLUMNS = 80;
const LEAST_COLUMNS = 40;

export function styleOf({ env, terminal }: Io): Style {
  const shown = terminal();
  const hasColors = shown !== null && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const locale = env["LC_ALL"] ?? env["LC_CTYPE"] ?? env["LANG"] ?? "";
  return {
    columns: Math.max(LEAST_COLUMNS, shown?.columns ?? DEFAULT_COLUMNS),
    paint: hasColors ? paintAlways : (_color, text) => text,
    hasUnicode: env["TERM"] !== "linux" && (locale === "" || /utf-?8/i.test(locale)),
  };
}

// Whether the stream takes colours is decided above, by its own terminal.
const paintAlways: Paint = (color, text) => styleText(color, text, { validateStream: false });

/* oxlint-disable no-control-regex -- they are what is looked for */
const COLOR_CODES = /\u001b\[[0-9;]*m/g;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
/* oxlint-enable no-control-regex */
/** They show text in another order than it has, also what stands beside it. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** For a stream that is no terminal, while another one is. */
export const withoutColors = (text: string): string => text.replaceAll(COLOR_CODES, "");

/** Text from outside on one line: such characters could move the cursor, forge output or hide what is there. */
export const plain = (text: string): string =>
  withoutColors(text).replaceAll(CONTROL_CHARACTERS, " ").replaceAll(DIRECTION_MARKS, "");
