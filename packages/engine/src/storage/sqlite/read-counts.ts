// ?1 now. Each count walks one index; a million finished runs take some 20 ms of the reader's time.
import type { Row } from "./cells.ts";
import type { Database } from "./database.ts";

const TEXT = `
select
  (select count(*) from runs),
  (select count(*) from runs where due_at <= ?1),
  (select count(*) from history),
  (select count(*) from outbox)`;

/** @returns live, due, finished, outbox */
export function prepareReadCounts(database: Database): (now: number) => Row {
  const read = database.prepare(TEXT);
  return (now) => read.get(now) ?? [];
}
