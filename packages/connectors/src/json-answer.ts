import { ActionError, parseJson } from "@millrace/protocol";
import { isObject } from "./action-input.ts";

const NAMES = { stripe: "Stripe", slack: "Slack" } as const;

/**
 * The answer, read and found to be a JSON object, which SDKs trust it to be. For other JSON a promise of Stripe's
 * never settles, and it leaves behind a rejection that nobody can catch (23.1.0).
 *
 * @throws {ActionError} stripe.answer-invalid, slack.answer-invalid
 */
export async function toJsonAnswer(
  farSide: keyof typeof NAMES,
  response: Response,
): Promise<Response> {
  const text = await response.text();
  const parsed = parseJson(text);
  if (parsed.ok && isObject(parsed.value)) {
    return new Response(text, { status: response.status, headers: response.headers });
  }
  const message = `The answer of ${NAMES[farSide]} with status ${response.status} cannot be read`;
  throw new ActionError(`${farSide}.answer-invalid`, message, { source: "infrastructure" });
}
