import type { Answer, AuthorizedCall, Call, Route } from "./route.ts";

const answer: Answer = { status: 200, body: null, headers: {} };
const forAnybody = (_call: Call): Answer => answer;
const forCallers = ({ caller }: AuthorizedCall): Answer => ({ ...answer, body: caller.keyId });

const base = { method: "GET", path: "/x", category: "read" } as const;

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

export const declared: Route = { ...base, scope: "public", handle: forAnybody };
export const guarded: Route = { ...base, scope: "runs:read", handle: forCallers };
