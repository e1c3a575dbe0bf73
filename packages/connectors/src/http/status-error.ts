import { ActionError, type FailureSource, type JsonValue } from "@millrace/protocol";
import { hideSecrets } from "../far-side-errors.ts";
import { readRetryAfter } from "../retry-after.ts";

/** What of a body is kept in a failure; that it says why is likely, that it is long is not. */
const SHOWN_BYTES = 2 * 1024;
const SHOWN_MESSAGE_LENGTH = 1_000;

/** Passing faults of the far side, besides 5xx: it was slow, too early, or had too many requests. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

export interface WrongStatus {
  /** `POST https://api.example.com/orders`. */
  readonly call: string;
  /** Hidden wherever the far side repeats them. */
  readonly secrets: readonly string[];
}

/** @returns http.status, with the status and the beginning of the body as its details */
export async function toStatusError(
  response: Response,
  { call, secrets }: WrongStatus,
): Promise<ActionError> {
  const { status } = response;
  const isPassing = PASSING.has(status) || status >= 500;
  const body = hideSecrets(await readBeginning(response), secrets);
  const retryAfterMs = isPassing ? readRetryAfter(response.headers.get("retry-after")) : undefined;
  return new ActionError("http.status", `${call} answered ${status}`, {
    source: isPassing ? "infrastructure" : "code",
    details: { status, body },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** A body that breaks off says as much as came of it: the status is the news. */
async function readBeginning(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    // The types of Node leave open what a body is made of; the standard does not.
    const body: AsyncIterable<Uint8Array> | null = response.body;
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      size += chunk.byteLength;
      // Leaving the loop cancels the rest.
      if (size >= SHOWN_BYTES) break;
    }
  } catch (error) {
    if (!ActionError.is(error)) throw error;
  }
  const bytes = Buffer.concat(chunks).subarray(0, SHOWN_BYTES);
  // As a stream, a character that was cut in two is left out.
  return new TextDecoder().decode(bytes, { stream: true });
}

/**
 * The same failure in the words of the far side, if it has any: `{ "error": { "message", "retryable" } }`. What it calls
 * not retryable is not tried again, what it calls retryable is, whatever its status.
 */
export function withReason(error: ActionError, body: JsonValue): ActionError {
  const reason = fieldOf(body, "error");
  const said = typeof reason === "string" ? reason : fieldOf(reason, "message");
  const retryable = fieldOf(reason, "retryable");
  const message = typeof said === "string" && said !== "" ? said : error.message;
  return new ActionError(error.code, message.slice(0, SHOWN_MESSAGE_LENGTH), {
    source: typeof retryable === "boolean" ? sourceOf(retryable) : error.source,
    ...(error.details !== undefined && { details: error.details }),
    ...(error.retryAfterMs !== null && { retryAfterMs: error.retryAfterMs }),
  });
}

const sourceOf = (retryable: boolean): FailureSource =>
  retryable ? "infrastructure" : "definition";

function fieldOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const field: unknown = Reflect.get(value, name);
  // A field of JSON is JSON.
  return field as JsonValue;
}
