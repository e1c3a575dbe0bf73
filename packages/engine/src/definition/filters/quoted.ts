// Text in quotes, as templates write it: 'single' or "double", with the escapes of JSON and `\'`.

export type Quoted =
  | { readonly ok: true; readonly text: string; readonly end: number }
  | { readonly ok: false; readonly message: string; readonly hint: string };

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["'", "'"],
  ['"', '"'],
  ["\\", "\\"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

const UNICODE = /u([0-9a-fA-F]{4})/y;

export const isQuote = (char: string | undefined): boolean => char === "'" || char === '"';

/** @returns the index behind the quote that closes the one at `from`; -1: none does */
export function findQuoteEnd(source: string, from: number): number {
  const quote = source[from];
  for (let i = from + 1; i < source.length; i++) {
    const char = source[i];
    if (char === "\\") i++;
    else if (char === quote) return i + 1;
  }
  return -1;
}

/** @param from index of the quote that opens the text */
export function readQuoted(source: string, from: number): Quoted {
  const end = findQuoteEnd(source, from);
  if (end < 0) {
    return {
      ok: false,
      message: "has a quote that is not closed",
      hint: "a quote inside quotes is written \\' or \\\"",
    };
  }
  const raw = source.slice(from + 1, end - 1);
  return raw.includes("\\") ? unescape(raw, end) : { ok: true, text: raw, end };
}

function unescape(raw: string, end: number): Quoted {
  let text = "";
  let done = 0;
  for (let at = raw.indexOf("\\"); at >= 0; at = raw.indexOf("\\", done)) {
    text += raw.slice(done, at);
    UNICODE.lastIndex = at + 1;
    const unicode = UNICODE.exec(raw)?.[1];
    const char = raw[at + 1] ?? "";
    const plain = ESCAPES.get(char);
    if (unicode !== undefined) text += String.fromCharCode(Number.parseInt(unicode, 16));
    else if (plain !== undefined) text += plain;
    else {
      return {
        ok: false,
        message: `has the unknown escape ${JSON.stringify(`\\${char}`)} in quotes`,
        hint: "a backslash itself is written twice",
      };
    }
    done = at + (unicode === undefined ? 2 : 6);
  }
  return { ok: true, text: text + raw.slice(done), end };
}
