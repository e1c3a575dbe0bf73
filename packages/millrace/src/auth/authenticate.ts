import type { ApiKey, KeyCommands, TenantCommands } from "@millrace/engine";
import { DEFAULT_TENANT, MillraceError } from "@millrace/protocol";
import { ADMIN_KEY_ID, type Caller } from "./caller.ts";
import { digestOf, isSameDigest, parseKeyId } from "./key.ts";
import { NO_LIMITS } from "./key-limits.ts";
import { EVERY_SCOPE, ROOT_SCOPE } from "./scope.ts";

export interface AuthenticatorOptions {
  /** The engine's own fit. */
  readonly keys: Pick<KeyCommands, "find" | "noteUse">;
  readonly tenants: Pick<TenantCommands, "find">;
  /** Digest of the administrator's key, which is kept nowhere in clear. null: there is none. */
  readonly adminKeyDigest: Buffer | null;
  /** False in production: a key that a development server made into its data folder opens nothing there. */
  readonly acceptsDevelopmentKeys: boolean;
  readonly epochMs: () => number;
}

/** The name by which such a key is known; no other key can have it. */
export const DEVELOPMENT_KEY_NAME = "development";

/** By which the administrator's key says for which tenant it acts. Default: `default`. */
const TENANT_HEADER = "x-millrace-tenant";

/**
 * @returns who sent the request; null: the key is missing, unknown or expired
 * @throws {MillraceError} request.forbidden, tenant.not-found: it names a tenant that it may not, or that is not there
 */
export type Authenticate = (request: Request) => Promise<Caller | null>;

/** Compared with where no key was found, so that an unknown id takes as long as a wrong secret. */
const NO_DIGEST = Buffer.alloc(32);

const ADMIN: Caller = {
  tenant: DEFAULT_TENANT,
  keyId: ADMIN_KEY_ID,
  scopes: [EVERY_SCOPE, ROOT_SCOPE],
  limits: NO_LIMITS,
};

export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { keys, tenants, adminKeyDigest, acceptsDevelopmentKeys, epochMs } = options;
  return async ({ headers }) => {
    const key = readKey(headers);
    if (key === null) return null;
    const digest = digestOf(key);
    const tenant = headers.get(TENANT_HEADER);
    if (adminKeyDigest !== null && isSameDigest(digest, adminKeyDigest)) {
      return tenant === null ? ADMIN : actFor(tenant, tenants);
    }
    const id = parseKeyId(key);
    if (id === undefined) return null;
    const stored = await keys.find(id);
    const nowMs = epochMs();
    if (!hasSecret(stored, digest, nowMs)) return null;
    if (stored.name === DEVELOPMENT_KEY_NAME && !acceptsDevelopmentKeys) return null;
    if (stored.expiresAt !== null && stored.expiresAt <= nowMs) return null;
    if (tenant !== null) {
      const message = `Only the administrator's key may send ${TENANT_HEADER}; any other belongs to one tenant`;
      throw new MillraceError("request.forbidden", message);
    }
    keys.noteUse(stored);
    return { tenant: stored.tenant, keyId: id, scopes: stored.scopes, limits: stored.limits };
  };
}

/** Both secrets are compared, whether there are two, one or none. */
function hasSecret(stored: ApiKey | null, digest: Buffer, nowMs: number): stored is ApiKey {
  const isPresent = isSameDigest(digest, toDigest(stored?.hash));
  const isPrevious = isSameDigest(digest, toDigest(stored?.previous?.hash));
  return isPresent || (isPrevious && (stored?.previous?.until ?? 0) > nowMs);
}

const toDigest = (hash: string | undefined): Buffer =>
  hash === undefined ? NO_DIGEST : Buffer.from(hash, "hex");

async function actFor(name: string, tenants: Pick<TenantCommands, "find">): Promise<Caller> {
  const tenant = await tenants.find(name);
  if (tenant !== null) return { ...ADMIN, tenant };
  const message = `Tenant not found; ${TENANT_HEADER} must name one of GET /api/v1/tenants`;
  throw new MillraceError("tenant.not-found", message);
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
