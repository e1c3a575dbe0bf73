import { RunFailedError, type RunHandle } from "@millrace/sdk/client";
import { connect } from "../connect.ts";
import { processOrder } from "./workflow.ts";

await using here = await connect([processOrder]);
const { client } = here;

const good = await client.start(processOrder, { orderId: "A-1", cents: 2_500, country: "NL" });
console.log("A-1 is on its way:", (await good.result()).parcel);

const bad = await client.start(processOrder, { orderId: "A-2", cents: 9_900, country: "XX" });
try {
  await bad.result();
} catch (error) {
  if (!RunFailedError.is(error)) throw error;
  console.log("A-2 was taken back:", error.failure.message);
}
await printSteps(bad);

async function printSteps(run: RunHandle<unknown>): Promise<void> {
  for (const { key, status, attempts, output } of (await run.get()).steps) {
    const tries = attempts.length === 1 ? "" : `, ${attempts.length} tries`;
    console.log(`  ${key}: ${status}${tries}${typeof output === "string" ? `, ${output}` : ""}`);
  }
}
