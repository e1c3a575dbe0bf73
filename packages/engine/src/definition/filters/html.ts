const SPECIAL = /[&<>"']/g;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Safe as text and inside an attribute in quotes. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(SPECIAL, (char) => ENTITIES[char] ?? char);

/** A comment, a script, a style, or any other tag. */
const OPENING = /<(?:!--|(script|style)(?![a-z0-9-])|[a-z/!?])/gi;
const CLOSING: ReadonlyMap<string, RegExp> = new Map([
  ["script", /<\/script\s*>/gi],
  ["style", /<\/style\s*>/gi],
]);

/**
 * Text without its markup; entities stay. A comment, script or style that is not closed goes on to the end; a
 * tag that is not closed is none. Reads the text once. What it gives is not safe HTML, but text like any other.
 */
export function stripHtml(text: string): string {
  let stripped = "";
  let at = 0;
  while (at < text.length) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(text);
    const end = opening === null ? -1 : findEnd(text, opening);
    // No tag, or none that is closed, and so none behind it either.
    if (opening === null || end < 0) return stripped + text.slice(at);
    stripped += text.slice(at, opening.index);
    at = end;
  }
  return stripped;
}

/** @returns the index behind what the match opens; -1: nothing closes it, and it needs that */
function findEnd(text: string, opening: RegExpExecArray): number {
  const behind = opening.index + opening[0].length;
  if (opening[0] === "<!--") {
    // As browsers do: `<!-->` is a whole comment.
    const end = text.indexOf("-->", opening.index + 2);
    return end < 0 ? text.length : end + 3;
  }
  const closing = CLOSING.get(opening[1]?.toLowerCase() ?? "");
  if (closing !== undefined) {
    closing.lastIndex = behind;
    return closing.test(text) ? closing.lastIndex : text.length;
  }
  const end = text.indexOf(">", behind);
  return end < 0 ? -1 : end + 1;
}
