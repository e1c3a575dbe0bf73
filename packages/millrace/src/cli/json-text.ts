// JSON for a terminal and for a pipe alike.

/** JSON lets them stand in texts as they are. A terminal obeys those of the first range; the others turn the order of what it shows. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The same JSON with every character escaped that could move the cursor or hide what is there. */
export const toSafeJson = (value: unknown, indent?: number): string =>
  escapeUnsafe(JSON.stringify(value, null, indent));

/** Of JSON that is text already; outside its texts there are no such characters. */
export const escapeUnsafe = (json: string): string =>
  json.replaceAll(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
