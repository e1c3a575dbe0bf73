import { FIRST } from "./0001-first.ts";
import { KEY_WINDOWS } from "./0002-key-windows.ts";
import { RETENTION } from "./0003-retention.ts";
import { AWAITING_FUNCTION } from "./0004-awaiting-function.ts";

export interface Migration {
  /** From 1, without gaps. */
  readonly id: number;
  readonly name: string;
  /**
   * Its first line is `-- breaking: yes` or `-- breaking: no`: whether code that does not know it
   * must stop. It is written in the forms that `profiles/schema-text.ts` reads: other dialects are made from it.
   */
  readonly sql: string;
}

/** Forward only: a step that has been released is never edited. */
export const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: "first", sql: FIRST },
  { id: 2, name: "key-windows", sql: KEY_WINDOWS },
  { id: 3, name: "retention", sql: RETENTION },
  { id: 4, name: "awaiting-function", sql: AWAITING_FUNCTION },
];
