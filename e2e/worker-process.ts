// A worker in a process of its own: `node worker-process.ts --url … --key … --name …`. It prints a line when it is
// attached for the first time.
import { workflow } from "@millrace/sdk";
import { createWorker } from "@millrace/sdk/worker";
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { TRIPLE } from "./worker-log.ts";

const { values } = parseArgs({
  options: { url: { type: "string" }, key: { type: "string" }, name: { type: "string" } },
});
const { url = "", key = "", name = "" } = values;

/** Three steps, one of them beside another, each with a token that no other body has. */
const triple = workflow(TRIPLE, {}, async (ctx, { pauseMs }: { readonly pauseMs: number }) => {
  const step = (step: string): Promise<string> =>
    ctx.run(step, async () => {
      const token = randomUUID();
      // One write, so that lines of several processes do not mix; SIGKILL tears no write of this size.
      appendFileSync("tokens.log", `${ctx.runId} ${step} ${token}\n`);
      await new Promise((resolve) => {
        setTimeout(resolve, pauseMs);
      });
      return token;
    });
  const first = await step("first");
  const both = await Promise.all([step("left"), step("right")]);
  return [first, ...both];
});

const worker = createWorker({ url, key, name, workflows: [triple] });
await worker.start();
console.log(`attached ${process.pid}`);
await worker.run();
console.log("left");
