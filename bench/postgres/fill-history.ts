// Many copies of one finished run, made where they lie: at several times the speed of commits, rows as the engine
// writes them.
import { newRunId, toShard, toTimestamp, type RunId } from "@millrace/protocol";
import { randomInt } from "node:crypto";
import { withClient } from "../../packages/engine/src/testkit/postgres/admin.ts";

export interface FillHistoryOptions {
  readonly url: string;
  /** The finished run that is copied. */
  readonly modelId: RunId;
  readonly count: number;
  /** The copies are spread evenly over it. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly tell: (text: string) => void;
}

const FILL_ROWS = 20_000;
/** What a copy has of its own; its other columns are the model's. */
const OWN: Readonly<Record<string, string>> = {
  id: "u.id",
  shard: "u.shard",
  created_at: "u.at",
  started_at: "u.at",
  finished_at: "u.at",
};

export async function fillHistory(options: FillHistoryOptions): Promise<void> {
  const { url, modelId, count, fromMs, untilMs, tell } = options;
  await withClient(url, async (client) => {
    const { rows: columns } = await client.query<{ name: string }>(COLUMNS);
    const names = columns.map(({ name }) => name);
    const insert =
      `insert into millrace.history (${names.join(", ")}) ` +
      `select ${names.map((name) => OWN[name] ?? `m.${name}`).join(", ")} ` +
      "from unnest($1::text[], $2::smallint[], $3::bigint[]) u(id, shard, at) " +
      "cross join (select * from millrace.history where id = $4) m";
    for (let made = 0; made < count;) {
      const length = Math.min(FILL_ROWS, count - made);
      const rows = Array.from({ length }, (_, n) => {
        const at = fromMs + Math.floor(((untilMs - fromMs) * (made + n)) / count);
        const shard = toShard(random());
        return { id: newRunId(toTimestamp(at), shard, random), shard, at };
      });
      const { rowCount } = await client.query(insert, [
        rows.map(({ id }) => id),
        rows.map(({ shard }) => shard),
        rows.map(({ at }) => at),
        modelId,
      ]);
      if (rowCount !== length) throw new Error("the run to copy is not there");
      made += length;
      tell(`${made.toLocaleString("en")} of ${count.toLocaleString("en")} runs`);
    }
    // As it would have happened in the time in which so many runs end.
    await client.query("vacuum analyze millrace.history");
    await client.query("checkpoint");
  });
}

const COLUMNS = `
select column_name as name from information_schema.columns
where table_schema = 'millrace' and table_name = 'history'
order by ordinal_position`;

const random = (): number => randomInt(0, 2 ** 32);
