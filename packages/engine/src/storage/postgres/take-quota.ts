// $1 tenant, $2 key, $3 category, $4 limit, $5 wanted, $6 unused, $7 the second of what is unused, $8 now or null.
// Primary key of key_windows, and a lock on its one row: nodes that take at once do so one after the other, and each
// counts what the one before it has left, because all that is computed comes from the row itself.
//
// Times are rounded down by their remainders: whether `/` itself does so is a matter of the database.
//
// The first count is of the row's second, the next of the one before, and so on for 61. A second that is far ahead was
// written before somebody set the database's clock right.
import { toTimestamp } from "@millrace/protocol";
import { Cursor, type Row } from "../rows/cells.ts";
import { WINDOW_SECONDS, type KeyWindows, type Quota, type QuotaRequest } from "../key-windows.ts";
import type { Database } from "./database.ts";
import { sqlStateOf, toStorageError } from "./errors.ts";
import type { Rows } from "./flight.ts";
import { bind, nowOr, statement, type Statement } from "./statement.ts";

const TAKE: Statement = statement(
  "take_quota",
  `
insert into millrace.key_windows as w (tenant, key, category, second, counts, granted, expires_at)
select $1, $2, $3, (n.now - n.now % 1000) / 1000, array[least($5::bigint, $4::bigint)], least($5::bigint, $4::bigint),
  n.now - n.now % 3600000 + 7200000
from (select ${nowOr("$8")} as now) n
on conflict (tenant, key, category) do update set
  (second, counts, granted, expires_at) = (
    select
      max(g.second),
      array_agg(g.count + case when g.place = 1 then g.granted else 0 end order by g.place),
      max(g.granted),
      excluded.expires_at
    from (
      select c.second, c.place, c.count,
        greatest(0, least($5::bigint, $4::bigint - sum(c.count) over ()::bigint)) as granted
      from (
        select s.second, p.place,
          greatest(0, coalesce(w.counts[p.place - (s.second - w.second)], 0)
            - case when s.second - p.place + 1 = $7::bigint then $6::bigint else 0 end) as count
        from (select case when w.second > excluded.second + 60 then excluded.second
          else greatest(w.second, excluded.second) end as second) s
        cross join generate_series(1, ${WINDOW_SECONDS}) p(place)
      ) c
    ) g
  )
returning w.granted, w.second, array_to_string(w.counts, ','), ${nowOr("$8")}`,
);

const COUNT_NODES: Statement = statement("count_nodes", "select count(*) from millrace.nodes");

/** Nothing was written: the same again may do (rule 7). */
const RACES: ReadonlySet<string | undefined> = new Set(["40001", "40P01"]);
const MOST_RACES = 10;

/** @param now a test's time; null: the database's */
export const createPostgresKeyWindows = (
  database: Database,
  now: () => number | null,
): KeyWindows => ({
  take: async (request) => {
    for (let races = 0; ; races++) {
      try {
        return toQuota(await send(database, request, now()));
      } catch (error) {
        if (!RACES.has(sqlStateOf(error)) || races >= MOST_RACES) throw toStorageError(error);
      }
    }
  },
});

async function send(
  database: Database,
  { tenant, key, category, limit, wanted, unused, second }: QuotaRequest,
  now: number | null,
): Promise<readonly Rows[]> {
  const take = bind(TAKE, tenant, key, category, limit, wanted, unused, second, now);
  return database.fly("read", [take, bind(COUNT_NODES)]);
}

function toQuota([taken = [], counted = []]: readonly Rows[]): Quota {
  const from = new Cursor(taken[0] ?? NOTHING);
  const granted = from.number();
  const second = from.number();
  const counts = from.text().split(",").map(Number);
  return {
    granted,
    second,
    total: counts.reduce((sum, count) => sum + count, 0),
    oldest:
      second -
      Math.max(
        0,
        counts.findLastIndex((count) => count > 0),
      ),
    now: toTimestamp(from.number()),
    nodes: Math.max(1, new Cursor(counted[0] ?? NOTHING).number()),
  };
}

/** Each of the statements has exactly one row; a cursor says so otherwise. */
const NOTHING: Row = [];
