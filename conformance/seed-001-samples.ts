// The samples of seed 001 that define workflows, and functions for those that more than one test file runs.
import type { JsonValue } from "@millrace/protocol";
import { createMeeting, recordCalls, type RecordedFunctions } from "./recorded-functions.ts";
import { fillIn, readSample } from "./sample.ts";

export const PROCESS_ORDER = readSample("001/15-process-order.js");
export const ONBOARDING = readSample("001/16-customer-onboarding.js");
export const APPROVE_PURCHASE = readSample("001/17-approve-purchase.js");
export const NOTIFICATION = readSample("001/18-multi-channel-notification.js");
export const RETRY_PAYMENTS = readSample("001/19-retry-failed-payments.js");
export const FULFILLMENT = readSample("001/26-order-fulfillment.js");
export const FOCUSED_STEPS = readSample("001/28-focused-steps.js");
export const HANDLE_ERRORS = readSample("001/29-handle-errors.js");
const DESCRIPTIVE_NAMES = readSample("001/30-descriptive-names.js");
export const DOCUMENTED_CONDITION = readSample("001/31-documented-condition.js");

/** In the place of `...` in each of its steps: a function to call. */
export const NAMED_STEPS = fillIn(DESCRIPTIVE_NAMES, "...", "type: 'function', function: 'enroll'");

/** The functions of sample 15, for a payment with this status. */
export function orderFunctions(paymentStatus: string): RecordedFunctions {
  const meet = createMeeting(2);
  return recordCalls({
    "validate-order-data": ({ orderId }: { orderId: string }) => ({ orderId, isValid: true }),
    "charge-payment": () => ({ status: paymentStatus }),
    "decrement-inventory": () => meet().then(() => ({ left: 4 })),
    "send-order-email": () => meet().then(() => ({ messageId: "m1" })),
    "create-fulfillment-task": () => ({ taskId: "t1" }),
  });
}

export interface Payment {
  readonly id: number;
}

/** Every third payment fails again. */
const isPaid = ({ id }: Payment): boolean => id % 3 !== 2;

export function paymentFunctions(count: number): RecordedFunctions {
  const payments: readonly Payment[] = Array.from({ length: count }, (_, id) => ({ id }));
  return recordCalls({
    "fetch-failed-payments": () => ({ payments }),
    "process-payment": (payment: Payment) => ({ ...payment, success: isPaid(payment) }),
    "update-payment-status": ({ id }: Payment) => `paid ${id}`,
    "log-payment-failure": ({ id }: Payment) => `failed ${id}`,
  });
}

export const inputsOf = (recorded: RecordedFunctions, name: string): readonly JsonValue[] =>
  recorded.of(name).map(({ input }) => input);
