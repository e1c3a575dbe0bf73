// The small port of a move, beside the one of the hot path: all rows of a store as they are at one moment, and an empty
// store that takes them.
import type { Row } from "../rows/cells.ts";
import type { DumpTable } from "./dump-tables.ts";

/** One moment of a store. It sees no write that comes later. */
export interface StoreSource {
  readonly kind: "sqlite" | "postgres";
  /** Somebody works, or did a moment ago: what happens there from now on does not move. */
  readonly isLive: boolean;
  count(table: DumpTable): Promise<number>;
  /** In the store's own order (D3), a few at a time; cells as the table's columns. */
  rows(table: DumpTable): AsyncIterable<readonly Row[]>;
  close(): Promise<void>;
}

/**
 * A migrated store. Between `begin` and `finish` it says that an import is under way, and no node starts on it; after
 * `finish` it is paused.
 */
export interface StoreTarget {
  /** @throws {MillraceError} option.invalid: it is not empty, or nodes work on it; storage.unusable: an import broke off */
  begin(): Promise<void>;
  /** One transaction. In the order of `DUMP_TABLES`, and of the rows. */
  insert(table: DumpTable, rows: readonly Row[]): Promise<void>;
  finish(): Promise<void>;
  close(): Promise<void>;
}
