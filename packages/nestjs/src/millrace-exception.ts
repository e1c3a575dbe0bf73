import { HttpException } from "@nestjs/common";
import type { ErrorCode, Issue } from "@millrace/protocol";
import { MillraceError } from "@millrace/protocol";

/** What a controller answers if nobody catches it. */
export interface MillraceExceptionBody {
  readonly statusCode: number;
  readonly message: string;
  readonly code: ErrorCode;
  /** All mistakes of a payload, with their paths. */
  readonly issues?: readonly Issue[];
}

/**
 * A fault of Millrace as Nest understands it: nobody has to catch it for a request to be answered rightly. What the
 * caller can mend is a 4xx, and 503 if the server is away.
 */
export class MillraceException extends HttpException {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];

  constructor(error: MillraceError) {
    const body = toBody(error);
    super(body, body.statusCode, { cause: error });
    this.name = "MillraceException";
    this.message = error.message;
    this.code = error.code;
    this.issues = error.issues;
  }
}

/** Whoever calls the application cannot know of these, and can do nothing about them. */
const OURS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "request.unauthorized",
  "request.forbidden",
  "tenant.not-found",
  "route.not-found",
  "route.method-not-allowed",
  "option.invalid",
]);

function toBody(error: MillraceError): MillraceExceptionBody {
  const { code, message, issues } = error;
  const { status, sentence } = error.entry;
  if (OURS.has(code) || status === 500) {
    return { statusCode: 500, message: "Internal server error", code };
  }
  // Addresses inside of the house stand in its message, which is for the log.
  if (status > 500) return { statusCode: status, message: sentence, code };
  return { statusCode: status, message, code, ...(issues.length === 0 ? {} : { issues }) };
}

/** Anything that is no fault of Millrace stays what it is. */
export const toException = (error: unknown): unknown =>
  MillraceError.is(error) ? new MillraceException(error) : error;
