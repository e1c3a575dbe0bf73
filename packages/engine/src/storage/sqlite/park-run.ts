// ?1 tenant, ?2 run, ?3 shard, ?4 due_at, ?5 waiting_on, ?6 wake as the owner last saw it, ?7 now.
// Primary key. A message that came after the owner looked makes the run due at once: no wake-up is
// lost.
import type { Row } from "./cells.ts";
import type { Database } from "./database.ts";

const TEXT = `
update runs
set owner = null, waiting_on = ?5, due_at = case when wake <> ?6 then ?7 else ?4 end
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
