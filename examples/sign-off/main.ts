import { connect } from "../connect.ts";
import { signOff, type Decision } from "./workflow.ts";

await using here = await connect([signOff]);
const { client } = here;
const start = (document: string, patience = "7 days") =>
  client.start(signOff, { document, patience });

// To one run, which whoever decides was told of.
const report = await start("report");
const yes: Decision = { approved: true, by: "ada@example.com" };
await client.run(report.id).signal("sign-off/report", yes);

// To whoever waits for it, by the name of the event.
const budget = await start("budget");
const no: Decision = { approved: false, by: "ada@example.com" };
await client.notify({ eventId: "sign-off/budget", eventData: no });

// Nobody has time for this one.
const minutes = await start("minutes", "50ms");

for (const run of [report, budget, minutes]) console.log(JSON.stringify(await run.result()));
