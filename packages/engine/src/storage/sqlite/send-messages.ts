// Insert: ?1 tenant, ?2 run, ?3 shard of the sender, ?4 to ?9 as `OUTBOX_COLUMNS`. Delete: the
// sender, ?4 id. Primary key. A message of this id is there already: this is a repeat, and the
// first stays.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { OUTBOX_COLUMN_COUNT, OUTBOX_COLUMNS } from "../rows/row-codec.ts";

const INSERT = `
insert into outbox (tenant, run, shard, ${OUTBOX_COLUMNS})
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
on conflict (tenant, run, id, shard) do nothing`;

const DELETE = "delete from outbox where tenant = ?1 and run = ?2 and shard = ?3 and id = ?4";

/** @param messages one after the other */
export function prepareSendMessages(database: Database): (from: Row, messages: Row) => void {
  const insert = database.prepare(INSERT);
  return (from, messages) => {
    for (let i = 0; i < messages.length; i += OUTBOX_COLUMN_COUNT) {
      insert.run(...from, ...messages.slice(i, i + OUTBOX_COLUMN_COUNT));
    }
  };
}

export function prepareForgetSent(database: Database): (from: Row, ids: Row) => void {
  const remove = database.prepare(DELETE);
  return (from, ids) => {
    for (const id of ids) remove.run(...from, id);
  };
}
