// ?1 tenant, ?2 name, ?3 shard, ?4 run, ?5 key, ?6 expires_at. Primary key. The row stays until it expires: a
// subscription that was sent earlier may come later.
import type { Cell, Cursor } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { DONE_CODE } from "./unit-codec.ts";

const TEXT = `
insert into subscriptions (tenant, name, shard, run, key, since, ended, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, 1, ?6)
on conflict (tenant, name, run, key, shard)
do update set ended = 1, expires_at = excluded.expires_at`;

export function prepareUnsubscribeRun(
  database: Database,
): (unit: Cursor, context: { readonly outcomes: Cell[] }) => void {
  const text = database.prepare(TEXT);
  return (unit, { outcomes }) => {
    text.run(...unit.cells(6));
    outcomes.push(DONE_CODE);
  };
}
