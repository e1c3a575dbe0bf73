import { MillraceError, parseJson, type JsonValue } from "@millrace/protocol";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a body as JSON, whatever the content type says; an empty one is `{}`.
 *
 * @throws {MillraceError} request.too-large (not read further than the limit), request.malformed
 */
export async function readJsonBody(request: Request, limitBytes: number): Promise<JsonValue> {
  const text = decode(await readBytes(request, limitBytes), request);
  if (text === "" || text.trim() === "") return {};
  const parsed = parseJson(text);
  if (!parsed.ok) {
    throw new MillraceError("request.malformed", `The body is not JSON: ${parsed.problem}`);
  }
  return parsed.value;
}

/** A declared length is believed (the parser of Node holds senders to it); without one the bytes are counted. */
async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (declared === null) return countBytes(request, limitBytes);
  const length = Number(declared);
  if (!(length <= limitBytes)) throw tooLarge(`${declared} bytes`, limitBytes);
  if (length === 0) return new Uint8Array();
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    throw brokenOff(error);
  }
}

async function countBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const body: AsyncIterable<Uint8Array> | null = request.body;
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += chunk.byteLength;
      // Leaving the loop cancels the stream.
      if (length > limitBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw brokenOff(error);
  }
  if (length > limitBytes) throw tooLarge(`more than ${limitBytes} bytes`, limitBytes);
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, request: Request): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    const encoding = request.headers.get("content-encoding");
    const message =
      encoding === null
        ? "The body is not UTF-8 text"
        : "The body is compressed; send it without a content-encoding";
    throw new MillraceError("request.malformed", message, { cause });
  }
}

const tooLarge = (size: string, limitBytes: number): MillraceError =>
  new MillraceError("request.too-large", `The body has ${size}; the limit is ${limitBytes} bytes`);

/** Nobody will read the answer; what matters is that it is no fault of ours. */
const brokenOff = (cause: unknown): MillraceError =>
  new MillraceError("request.malformed", "The body ended before it was complete", { cause });
