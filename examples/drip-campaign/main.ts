import { connect } from "../connect.ts";
import { dripCampaign } from "./workflow.ts";

// Three days would be more like it; nobody would watch that.
const days = Number(process.argv[2] ?? 0.00001);

await using here = await connect([dripCampaign]);
const { client } = here;

const reader = await client.start(dripCampaign, { email: "ada@example.com", days });
const other = await client.start(dripCampaign, { email: "list@example.com", days: 3 });
await other.signal("unsubscribe", { reason: "too many mails" });

console.log("list@example.com:", JSON.stringify(await other.result()));
console.log("ada@example.com:", JSON.stringify(await reader.result()));
