// What a store says of itself, as records of kind `store` in the catalog of tenant `default`. Nodes look at their start.
//
// Threads load this file, so it imports no value from another package.
import type { TenantId } from "@millrace/protocol";

/** An import began here and has not ended: what the store holds is a part. */
export const IMPORTING_MARK = "importing";
/** Nothing moves until somebody says so: the store is a copy, and what it stands for may still be at work elsewhere. */
export const PAUSED_MARK = "paused";

/** Why nothing moves. */
export type PauseReason = "import" | "backup" | "start";

/** Always `default`. */
export const MARK_TENANT = "default" as TenantId;
export const MARK_KIND = "store";

export const toPauseBody = (reason: PauseReason): string => JSON.stringify({ reason });

/** Tenant, kind, id, body and the time twice: the columns of a first revision. */
export const MARK_COLUMNS = "tenant, kind, id, revision, body, created_at, updated_at";

export const toMark = (
  id: typeof IMPORTING_MARK | typeof PAUSED_MARK,
  body: string,
  now: number,
): readonly (string | number)[] => [MARK_TENANT, MARK_KIND, id, 1, body, now, now];

export const BROKEN_IMPORT: string =
  "An import broke off here, or is under way: the store holds a part of what it should. If none is under way, begin anew " +
  "with an empty store (delete the data folder's millrace.db, or drop the database's schema millrace), and import again.";
