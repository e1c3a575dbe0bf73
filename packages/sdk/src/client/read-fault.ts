// From an answer that is no success to a `MillraceError`.
import {
  ERROR_CODES,
  MillraceError,
  parseJson,
  type ErrorCode,
  type JsonValue,
} from "@millrace/protocol";
import type { WireFault } from "./wire.ts";

/** The envelope of a success. */
export interface Envelope {
  readonly data: JsonValue;
  readonly meta: JsonValue;
}

/** @returns what the server says; a fault for everything that is not a success of REST v1 */
export function readEnvelope(status: number, text: string): Envelope | MillraceError {
  const parsed = text === "" ? null : parseJson(text);
  const body = parsed?.ok === true ? parsed.value : null;
  if (typeof body !== "object" || body === null || !("success" in body)) {
    const message = `The server answered ${status}, and not in the way of Millrace. Is the address right?`;
    return new MillraceError(codeOfStatus(status), message);
  }
  if (body.success === true) return { data: body["data"] ?? null, meta: body["meta"] ?? null };
  // The shape of REST v1; `toFault` looks at what it takes from it.
  return toFault(body["error"] as unknown as WireFault, status);
}

/** A fault of one item, or of a whole request. */
export function toFault(fault: WireFault, status?: number): MillraceError {
  const { reason = "", message, details } = fault;
  const issues = Array.isArray(details) ? details : [];
  if (isErrorCode(reason)) return new MillraceError(reason, message, { issues });
  // A later release may have codes that this one does not know.
  const known = codeOfStatus(status ?? 500);
  return new MillraceError(known, `${message} (${reason || fault.code})`, { issues });
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "request.invalid",
  401: "request.unauthorized",
  403: "request.forbidden",
  404: "route.not-found",
  405: "route.method-not-allowed",
  408: "request.timeout",
  413: "request.too-large",
  429: "request.rate-limited",
  502: "server.unreachable",
  503: "server.unreachable",
  504: "server.unreachable",
};

const codeOfStatus = (status: number): ErrorCode => CODES[status] ?? "internal.error";
