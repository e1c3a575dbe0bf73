import type { Failure, JsonText } from "@millrace/protocol";

/** Bytes as UTF-8; lone surrogates count as the three bytes that they would be replaced by. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) bytes += 1;
    else if (code >= 0xd800 && code <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      // A pair is two units and four bytes.
      bytes += 2;
      i += 1;
    } else bytes += 2;
  }
  return bytes;
}

/** @returns why a value is too large to be stored; null: it is not */
export function checkPayload(text: JsonText, what: string, limitBytes: number): Failure | null {
  // Three bytes a unit at most: only long texts are counted.
  if (text.length * 3 <= limitBytes) return null;
  const bytes = utf8Bytes(text);
  if (bytes <= limitBytes) return null;
  const message = `The ${what} has ${bytes} bytes; the limit is ${limitBytes}. Store the data elsewhere and pass a reference`;
  return { code: "payload.too-large", message, source: "definition" };
}
