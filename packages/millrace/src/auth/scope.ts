/** What a key may be allowed to do. A route names one of these, or says that it is public. */
export const SCOPES = [
  "workflows:read",
  "workflows:write",
  "workflows:execute",
  "runs:read",
  "metrics:read",
] as const;
export type Scope = (typeof SCOPES)[number];

/** In a key's list: every scope, also those that a later version adds. */
export const EVERY_SCOPE = "*";

export const hasScope = (scopes: readonly string[], scope: Scope): boolean =>
  scopes.includes(scope) || scopes.includes(EVERY_SCOPE);
