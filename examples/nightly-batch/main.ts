import type { WorkflowOutput } from "@millrace/sdk";
import { RunFailedError, type RunHandle, type StartOutcome } from "@millrace/sdk/client";
import { connect } from "../connect.ts";
import { settleOrder, type NightlyOrder } from "./workflow.ts";

type Settled = WorkflowOutput<typeof settleOrder>;

const count = Number(process.argv[2] ?? 10_000);
const day = new Date().toISOString().slice(0, 10);
// One in a thousand has no price: its run fails, and no other does.
const orders = Array.from({ length: count }, (_, orderId): NightlyOrder => ({
  orderId,
  day,
  cents: orderId % 1_000 === 7 ? 0 : 2_500,
}));

await using here = await connect([settleOrder]);
const { client } = here;
const items = orders.map((input) => ({ input, options: { metadata: { batch: day } } }));

const outcomes = await client.startMany(settleOrder, items);
console.log("started:", tally(outcomes));
// As after a crash: nothing is started twice.
console.log("once more:", tally(await client.startMany(settleOrder, items)));

const runs = outcomes.flatMap((outcome) => (outcome.kind === "rejected" ? [] : [outcome.run]));
const settled: Settled[] = [];
const failures: string[] = [];
const rest = runs.values();
await Promise.all(Array.from({ length: 200 }, () => awaitResults(rest)));
const cents = settled.reduce((sum, { paidOut }) => sum + paidOut, 0);
console.log(`settled ${settled.length} orders, paid out ${cents / 100} euros`);
console.log(`failed ${failures.length}${failures.length === 0 ? "" : `: ${failures[0]}`}`);

/** The iterator is shared, so each run is awaited by one. */
async function awaitResults(rest: Iterable<RunHandle<Settled>>): Promise<void> {
  for (const run of rest) {
    try {
      settled.push(await run.result());
    } catch (error) {
      if (!RunFailedError.is(error)) throw error;
      failures.push(error.failure.message);
    }
    const done = settled.length + failures.length;
    if (done % Math.ceil(count / 10) === 0) console.log(`${done} of ${count}`);
  }
}

function tally(outcomes: readonly StartOutcome<unknown>[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
