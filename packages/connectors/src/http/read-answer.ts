import { ActionError, parseJson, type JsonValue } from "@millrace/protocol";

export const PARSE_MODES = ["auto", "json", "text", "bytes"] as const;
/**
 * `auto` goes by the content type: JSON, text, or bytes for what is neither. Without one it is text, if it is UTF-8.
 */
export type ParseMode = (typeof PARSE_MODES)[number];

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The body as JSON can say it: its value, a text, `{ contentType, base64 }`, or null if it is empty.
 *
 * @param host as failures name the far side
 * @throws {ActionError} http.response-invalid, and what reading a body of the guard throws
 */
export async function readAnswer(
  response: Response,
  mode: ParseMode,
  host: string,
): Promise<JsonValue> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.byteLength === 0) return null;
  const contentType = response.headers.get("content-type") ?? "";
  switch (mode === "auto" ? modeFor(contentType, bytes) : mode) {
    case "json":
      return toJson(bytes, host);
    case "text":
      return decodeText(bytes, contentType);
    case "bytes":
      return { contentType, base64: Buffer.from(bytes).toString("base64") };
  }
}

function modeFor(contentType: string, bytes: Uint8Array): Exclude<ParseMode, "auto"> {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (/^application\/(?:json|.+\+json)$/.test(type)) return "json";
  if (type === "") return decodeStrictly(bytes) === undefined ? "bytes" : "text";
  const isText =
    /^text\/|[/+]xml$|^application\/(?:javascript|x-ndjson|x-www-form-urlencoded|yaml)$/;
  return isText.test(type) ? "text" : "bytes";
}

function toJson(bytes: Uint8Array, host: string): JsonValue {
  const text = decodeStrictly(bytes);
  const parsed = text === undefined ? undefined : parseJson(text);
  if (parsed?.ok === true) return parsed.value;
  const why = parsed?.problem ?? "The text is not UTF-8";
  throw new ActionError("http.response-invalid", `The answer of ${host} should be JSON. ${why}`);
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // It is not UTF-8, which is what was asked.
    return undefined;
  }
}

/** Of the charset that the content type names; UTF-8 if it names none that exists. */
function decodeText(bytes: Uint8Array, contentType: string): string {
  const charset = /;\s*charset="?([\w-]+)/i.exec(contentType)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // Better a few odd characters than no text.
    return new TextDecoder().decode(bytes);
  }
}
