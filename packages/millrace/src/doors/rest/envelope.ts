import type { Answer } from "../../route.ts";

/** What the seed says beside `data`: the place in a list, warnings. */
export type Meta = Readonly<Record<string, unknown>>;

const JSON_HEADERS = { "content-type": "application/json" };

/** `undefined` fields are left out. */
export function jsonAnswer(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = JSON_HEADERS,
): Answer {
  return { status, body: JSON.stringify(body), headers };
}

export function success(
  status: number,
  data: unknown,
  more: { readonly meta?: Meta; readonly headers?: Readonly<Record<string, string>> } = {},
): Answer {
  const headers = more.headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...more.headers };
  return jsonAnswer(status, { success: true, data, meta: more.meta }, headers);
}
