import { FIRST } from "./0001-first.ts";
import { LISTS_AND_RETRIES } from "./0002-lists-and-retries.ts";
import { EVENTS } from "./0003-events.ts";
import { NAMES } from "./0004-names.ts";
import { AWAITING } from "./0005-awaiting.ts";
import { RETENTION } from "./0006-retention.ts";
import { AWAITING_FUNCTION } from "./0007-awaiting-function.ts";

export interface Migration {
  /** From 1, without gaps. */
  readonly id: number;
  readonly name: string;
  /**
   * Its first line is `-- breaking: yes` or `-- breaking: no`: whether code that does not know it
   * must stop.
   */
  readonly sql: string;
}

/** Forward only: a step that has been released is never edited. */
export const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: "first", sql: FIRST },
  { id: 2, name: "lists-and-retries", sql: LISTS_AND_RETRIES },
  { id: 3, name: "events", sql: EVENTS },
  { id: 4, name: "names", sql: NAMES },
  { id: 5, name: "awaiting", sql: AWAITING },
  { id: 6, name: "retention", sql: RETENTION },
  { id: 7, name: "awaiting-function", sql: AWAITING_FUNCTION },
];
