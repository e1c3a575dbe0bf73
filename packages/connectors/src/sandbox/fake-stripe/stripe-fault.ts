import type { JsonObject } from "../../action-input.ts";

export type FaultType = "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";

export interface FaultBody {
  readonly type: FaultType;
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly payment_intent?: JsonObject;
}

/** An answer other than 200, in Stripe's words. */
export class StripeFault extends Error {
  readonly status: number;
  readonly body: FaultBody;

  constructor(status: number, body: FaultBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }

  /** A card was tried: what came of it stays, and a repeated request gets the same answer. */
  get isOutcome(): boolean {
    return this.body.type === "card_error";
  }
}

export function badRequest(
  message: string,
  more: { readonly code?: string; readonly param?: string } = {},
): StripeFault {
  return new StripeFault(400, { type: "invalid_request_error", message, ...more });
}

export const missingParameter = (param: string): StripeFault =>
  badRequest(`Missing required param: ${param}.`, { code: "parameter_missing", param });

/** 404 for the id in the path, 400 for one in a parameter. */
export const noSuch = (status: 400 | 404, what: string, id: string, param: string): StripeFault =>
  new StripeFault(status, {
    type: "invalid_request_error",
    code: "resource_missing",
    message: `No such ${what}: '${id.slice(0, 100)}'`,
    param,
  });
