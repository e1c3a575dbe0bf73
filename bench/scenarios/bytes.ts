// What finished runs leave in the database, and what they wrote to its log.
import type { Bench, Scenario } from "../bench.ts";
import { FOUR_STEPS } from "../engine/definitions.ts";
import { toUrl, type Place } from "../engine/store.ts";
import { readNumbers, readRow } from "../postgres/read-row.ts";
import { toCount } from "../report/numbers.ts";
import { BUDGETED_IN_FLIGHT } from "./throughput.ts";

export const bytes: Scenario = {
  name: "bytes",
  leftOut: { sqlite: "its file says so" },
  async *run(bench) {
    const { byteRuns } = bench.sizes;
    const what = "of a finished run of four function steps";
    bench.progress.stage(`bytes ${what}`);
    const grown = await bench.inPlace((place) => measure(bench, place));
    const perRun = (value: number): number => value / byteRuns;
    yield {
      kind: "measured",
      what: `bytes ${what}, in tables and indexes`,
      value: perRun(grown.total),
      unit: "bytes",
      budget: null,
      note:
        `history ${toCount(perRun(grown.history))} and its indexes ${toCount(perRun(grown.indexes))}; ` +
        `the rest is what live runs needed, which is used again; ${toCount(byteRuns)} runs, after vacuum`,
    };
    yield {
      kind: "measured",
      what: `bytes ${what}, in the write-ahead log`,
      value: perRun(grown.log),
      unit: "bytes",
      budget: null,
      note: `${BUDGETED_IN_FLIGHT} in flight; images of whole pages after a checkpoint included`,
    };
  },
};

type Sizes = Readonly<Record<"total" | "history" | "indexes" | "log", number>>;

async function measure(bench: Bench, place: Place): Promise<Sizes> {
  const url = toUrl(place);
  const order = { place, workflow: FOUR_STEPS, inFlight: BUDGETED_IN_FLIGHT };
  // Tables are made, and what is only there once.
  await bench.runJob("many", { ...order, runCount: BUDGETED_IN_FLIGHT });
  await readRow(url, "vacuum analyze");
  const before = await readNumbers<keyof Sizes>(url, SIZES);
  await bench.runJob("many", { ...order, runCount: bench.sizes.byteRuns });
  const { log } = await readNumbers<keyof Sizes>(url, SIZES);
  await readRow(url, "vacuum analyze");
  const after = await readNumbers<keyof Sizes>(url, SIZES);
  return {
    total: after.total - before.total,
    history: after.history - before.history,
    indexes: after.indexes - before.indexes,
    log: log - before.log,
  };
}

const SIZES = `
select
  (
    select sum(pg_total_relation_size(c.oid)) from pg_class c
    where c.relnamespace = 'millrace'::regnamespace and c.relkind = 'r'
  ) as total,
  pg_table_size('millrace.history') as history,
  pg_indexes_size('millrace.history') as indexes,
  pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as log`;
