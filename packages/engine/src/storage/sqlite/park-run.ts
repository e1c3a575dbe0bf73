// ?1 tenant, ?2 run, ?3 shard, ?4 due_at, ?5 waiting_on, ?6 wake as the owner last saw it, ?7 now.
// A run without entries that waits for a worker has not begun. Primary key. A message that came after the owner looked makes the run due at once: no wake-up is
// lost.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";

const TEXT = `
update runs
set
  owner = null,
  waiting_on = ?5,
  due_at = case when wake <> ?6 then ?7 else ?4 end,
  status = case when ?5 ->> '$.kind' = 'worker' and not exists (
    select 1 from journal j where j.tenant = ?1 and j.run = ?2 and j.shard = ?3
  ) then 'pending' else status end
where tenant = ?1 and id = ?2 and shard = ?3
returning due_at`;

/** After the fence was checked. @returns true: the run is due now */
export function prepareParkRun(database: Database): (ref: Row, park: Row, now: number) => boolean {
  const text = database.prepare(TEXT);
  return (ref, park, now) => {
    const dueAt = text.get(...ref, ...park, now)?.[0];
    return typeof dueAt === "number" && dueAt <= now;
  };
}
