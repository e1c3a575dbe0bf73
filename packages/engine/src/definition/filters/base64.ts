import { TemplateError } from "./template-error.ts";

/** Bytes given to one call of `fromCharCode`, which takes them as arguments. */
const CHUNK = 8192;

export function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(binary);
}

/** @throws {TemplateError} it is no base64, or its bytes are no UTF-8 */
export function decodeBase64(text: string): string {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // `atob` and the decoder throw for nothing else.
    throw new TemplateError("needs base64 of UTF-8 text; its value is none");
  }
}
