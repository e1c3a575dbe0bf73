import type { JsonValue } from "@millrace/protocol";

export type IsExpected = (status: number) => boolean;

/** What a step takes for success if it does not say. */
export const isSuccess: IsExpected = (status) => status >= 200 && status <= 299;

/** `[200, "3xx"]`, or one of these alone. undefined: it is neither. */
export function parseExpect(value: JsonValue): IsExpected | undefined {
  const items: readonly JsonValue[] = Array.isArray(value) ? value : [value];
  const rules = items.map(parseRule).filter((rule) => rule !== undefined);
  if (rules.length === 0 || rules.length < items.length) return undefined;
  return (status) => rules.some((rule) => rule(status));
}

function parseRule(value: JsonValue): IsExpected | undefined {
  // A template in a text gives digits as text.
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  if (/^[1-5]xx$/i.test(text)) return (status) => String(status).startsWith(text.charAt(0));
  if (/^[1-5]\d\d$/.test(text)) return (status) => status === Number(text);
  return undefined;
}
