/** What a key may be allowed to do. A route names one of these, or says that it is public. */
export const SCOPES = [
  "workflows:read",
  "workflows:write",
  "workflows:execute",
  "runs:read",
  "connections:read",
  "connections:write",
  "approvals:write",
  "events:publish",
  "workers:attach",
  "keys:admin",
  "metrics:read",
] as const;

/** No key can be given this one: only the administrator's key has it. */
export const ROOT_SCOPE = "tenants:admin";

export type Scope = (typeof SCOPES)[number] | typeof ROOT_SCOPE;

/** In a key's list: every scope that a key can be given, also those that a later version adds. */
export const EVERY_SCOPE = "*";

export const hasScope = (scopes: readonly string[], scope: string): boolean =>
  scopes.includes(scope) || (scopes.includes(EVERY_SCOPE) && scope !== ROOT_SCOPE);
