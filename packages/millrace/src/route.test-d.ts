import type { Answer, AuthorizedCall, Call, Route } from "./route.ts";

const answer: Answer = { status: 200, body: null, headers: {} };
const forAnybody = (_call: Call): Answer => answer;
const forCallers = ({ caller }: AuthorizedCall): Answer => ({ ...answer, body: caller.keyId });

const base = {
  method: "GET",
  path: "/x",
  category: "read",
  summary: "Read x",
  answers: { 200: { description: "x", schema: null } },
} as const;

// @ts-expect-error A route without a scope does not compile.
export const unguarded: Route = { ...base, handle: forAnybody };

// @ts-expect-error A scope that no key can have does not compile.
export const invented: Route = { ...base, scope: "runs:everything", handle: forAnybody };

// @ts-expect-error A public route does not know who calls it.
export const anonymous: Route = { ...base, scope: "public", handle: forCallers };

// @ts-expect-error Nor does one that is open in development.
export const open: Route = {
  ...base,
  scope: "metrics:read",
  isOpenInDevelopment: true,
  handle: forCallers,
};

const { summary: _, ...silent } = base;
// @ts-expect-error A route that does not say what it does does not compile.
export const unsaid: Route = { ...silent, scope: "public", handle: forAnybody };

const { answers: __, ...secret } = base;
// @ts-expect-error Nor does one that does not say what it answers.
export const unanswered: Route = { ...secret, scope: "public", handle: forAnybody };

// @ts-expect-error Nor does one that takes a body and does not say which.
export const shapeless: Route = { ...base, method: "POST", scope: "public", handle: forAnybody };

export const declared: Route = { ...base, scope: "public", handle: forAnybody };
export const guarded: Route = { ...base, scope: "runs:read", handle: forCallers };
