import type { ApiKey } from "@millrace/engine";
import { DEFAULT_TENANT, type TenantId } from "@millrace/protocol";
import { ADMIN_KEY_ID, type Caller } from "./caller.ts";
import { digestOf, isSameDigest, parseKeyId } from "./key.ts";
import { EVERY_SCOPE } from "./scope.ts";

export interface AuthenticatorOptions {
  /** Keys from the store; the engine's own method fits. */
  readonly findKey: (tenant: TenantId, id: string) => Promise<ApiKey | null>;
  /** Digest of the administrator's key, which is kept nowhere in clear. null: there is none. */
  readonly adminKeyDigest: Buffer | null;
  /** False in production: a key that a development server made into its data folder opens nothing there. */
  readonly acceptsDevelopmentKeys: boolean;
}

/** The name by which such a key is known. */
export const DEVELOPMENT_KEY_NAME = "development";

/** @returns who sent the request; null: the key is missing, unknown or expired */
export type Authenticate = (request: Request) => Promise<Caller | null>;

/** Compared with where no key was found, so that an unknown id takes as long as a wrong secret. */
const NO_DIGEST = Buffer.alloc(32);

const ADMIN: Caller = { tenant: DEFAULT_TENANT, keyId: ADMIN_KEY_ID, scopes: [EVERY_SCOPE] };

export function createAuthenticator({
  findKey,
  adminKeyDigest,
  acceptsDevelopmentKeys,
}: AuthenticatorOptions): Authenticate {
  return async (request) => {
    const key = readKey(request.headers);
    if (key === null) return null;
    const digest = digestOf(key);
    if (adminKeyDigest !== null && isSameDigest(digest, adminKeyDigest)) return ADMIN;
    const id = parseKeyId(key);
    if (id === undefined) return null;
    const stored = await findKey(DEFAULT_TENANT, id);
    const expected = stored === null ? NO_DIGEST : Buffer.from(stored.hash, "hex");
    if (!isSameDigest(digest, expected) || stored === null) return null;
    if (stored.name === DEVELOPMENT_KEY_NAME && !acceptsDevelopmentKeys) return null;
    if (stored.expiresAt !== null && stored.expiresAt <= Date.now()) return null;
    return { tenant: stored.tenant, keyId: stored.id, scopes: stored.scopes };
  };
}

const BEARER = "bearer ";

/** `x-api-key` first: a proxy may use `Authorization` for itself. */
function readKey(headers: Headers): string | null {
  const key = headers.get("x-api-key");
  if (key !== null) return key.trim();
  const authorization = headers.get("authorization");
  if (authorization?.slice(0, BEARER.length).toLowerCase() !== BEARER) return null;
  return authorization.slice(BEARER.length).trim();
}
