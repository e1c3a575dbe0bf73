import type { KeyLimits, KeyListing } from "@millrace/engine";
import { toIso, type Timestamp } from "@millrace/protocol";

/** Neither the key nor its digest. */
export interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly limits: KeyLimits;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly rotatedAt: string | null;
  readonly previousUntil: string | null;
}

export function toKeyView({ key, lastUsedAt, rotatedAt }: KeyListing): KeyView {
  const { id, name, scopes, limits } = key;
  return {
    id,
    name,
    scopes,
    limits,
    createdAt: toIso(key.createdAt),
    expiresAt: isoOrNull(key.expiresAt),
    lastUsedAt: isoOrNull(lastUsedAt),
    rotatedAt: isoOrNull(rotatedAt),
    previousUntil: isoOrNull(key.previous?.until ?? null),
  };
}

const isoOrNull = (at: Timestamp | null): string | null => (at === null ? null : toIso(at));
