// What doors may ask of API keys. The engine keeps digests and settings; what a key looks like is its callers' affair.
import type { TenantId, Timestamp } from "@millrace/protocol";
import type { Actor } from "./commands.ts";

/** Requests a minute by category; null: as many as it likes. */
export interface KeyLimits {
  readonly read: number | null;
  readonly write: number | null;
  readonly execute: number | null;
}

/** An API key as it is kept: never the key itself. */
export interface ApiKey {
  /** Unique over all tenants. */
  readonly id: string;
  readonly tenant: TenantId;
  readonly name: string;
  /** SHA-256 of the whole key, hexadecimal. */
  readonly hash: string;
  /** The secret before a rotation, which is taken until then. null: none. */
  readonly previous: { readonly hash: string; readonly until: Timestamp } | null;
  readonly scopes: readonly string[];
  readonly limits: KeyLimits;
  readonly createdAt: Timestamp;
  /** null: never. */
  readonly expiresAt: Timestamp | null;
}

/** A key in a list. */
export interface KeyListing {
  readonly key: ApiKey;
  /** When it last got its present secret. null: it has its first one. */
  readonly rotatedAt: Timestamp | null;
  /** Exact on the node that served it, up to a minute late on others. null: never. */
  readonly lastUsedAt: Timestamp | null;
}

export interface RotateKeyRequest {
  readonly tenant: TenantId;
  readonly id: string;
  /** Of the new secret. */
  readonly hash: string;
  /** How long the old secret is taken; 0: not any more. A still older one ends at once. */
  readonly graceMs: number;
  readonly actor: Actor;
}

export interface RevokeKeyRequest {
  readonly tenant: TenantId;
  readonly id: string;
  readonly actor: Actor;
}

/** A request of a key that has a limit for its category. */
export interface CountedRequest {
  readonly tenant: TenantId;
  /** Id of the key. */
  readonly key: string;
  readonly category: keyof KeyLimits;
  /** A minute; 1 or more. */
  readonly limit: number;
}

export type RequestCount =
  /** Over all nodes: in no minute more requests of the key and category are allowed than the limit. */
  | {
      readonly kind: "counted";
      readonly isAllowed: boolean;
      /** What is left of the limit, about: other nodes may have asked meanwhile. */
      readonly remaining: number;
      /** When the oldest request is forgotten, so that there is room for one more. Since the epoch. */
      readonly resetAtSeconds: number;
      readonly retryAfterSeconds: number;
    }
  /** The store has one process only, or does not answer now: count it here, as one of so many nodes. */
  | { readonly kind: "uncounted"; readonly nodes: number };

export interface KeyCommands {
  /** @returns false: there is one with this id, and nothing has changed */
  put(key: ApiKey, actor: Actor): Promise<boolean>;
  /** Whosever it is, from a cache that is at most 5 s old. */
  find(id: string): Promise<ApiKey | null>;
  get(tenant: TenantId, id: string): Promise<KeyListing | null>;
  /** By id, ascending. `after`: the last id of the page before. */
  list(
    tenant: TenantId,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly KeyListing[]>;
  /** Holds here at once, on other nodes within 5 s. @throws {MillraceError} key.not-found, key.changed */
  rotate(request: RotateKeyRequest): Promise<KeyListing>;
  /** Holds here at once, on other nodes within 5 s. @throws {MillraceError} key.not-found, key.changed */
  revoke(request: RevokeKeyRequest): Promise<void>;
  /** Remembered here, and written to the store at most once a minute: nothing waits for it. */
  noteUse(key: Pick<ApiKey, "id" | "tenant">): void;
  /** Counts a request, unless it is refused. Asks the store for several at a time. Never rejects. */
  countRequest(request: CountedRequest): Promise<RequestCount>;
}
