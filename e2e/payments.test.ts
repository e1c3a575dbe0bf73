// Money: a step that has reached the far side and is not journaled yet is done again after a crash, and counts once.
import { describe, expect, test } from "vitest";
import { runIdOf } from "./client.ts";
import { soon, TEST_TIMEOUT_MS } from "./deadline.ts";
import { openFakeStripe } from "./open-fake-stripe.ts";
import type { Server } from "./server.ts";
import { define } from "./workload.ts";
import { openWorld } from "./world.ts";

const KILLS = 100;

const INVOICE = define("wf_invoice", [
  {
    id: "invoice",
    type: "action",
    action: "stripe.createInvoice",
    config: { customerId: "cus_ada", amount: "{{input.amount}}", metadata: { n: "{{input.n}}" } },
  },
]);

/** The three calls that make an invoice; the last is the one whose answer the step journals. */
const CALLS: readonly ((method: string, path: string) => boolean)[] = [
  (method, path) => method === "GET" && path.startsWith("/v1/invoices/"),
  (method, path) => method === "POST" && path === "/v1/invoiceitems",
  (method, path) => method === "POST" && path === "/v1/invoices",
];

describe(
  "a server that is killed between the far side's answer and its own commit",
  {
    timeout: 4 * TEST_TIMEOUT_MS,
  },
  () => {
    test(`makes one invoice for each of ${KILLS} orders (fault 2)`, async () => {
      await using world = await openWorld();
      await using stripe = await openFakeStripe();
      const env = { MILLRACE_STRIPE_KEY: "sk_test_fake", MILLRACE_STRIPE_URL: stripe.url };
      let server: Server = await world.start({ env });
      await server.client.install(INVOICE);
      const outputs: unknown[] = [];
      for (let n = 0; n < KILLS; n++) {
        const { pid, process: command } = server;
        // Mostly the last call, and now and then one before it.
        const call = CALLS[n % 4 === 3 ? 1 + (n % 2) : 0] ?? CALLS[0];
        const killed = new Promise<void>((resolve) => {
          stripe.afterAnswer(call ?? (() => true), () => {
            process.kill(pid, "SIGKILL");
            resolve();
          });
        });
        const runId = runIdOf(await server.client.start("wf_invoice", { amount: 1_000 + n, n }));
        await soon("the kill", killed);
        await command.exited;
        server = await world.start({ env });
        const run = await server.client.ended(runId);
        expect([n, run.status, run.error]).toEqual([n, "completed", null]);
        outputs.push(run.output);
      }
      await server.stop();

      const invoices = await stripe.list("invoices");
      expect(invoices).toHaveLength(KILLS);
      expect(await stripe.list("invoiceitems")).toHaveLength(KILLS);
      expect(new Set(invoices.map(({ total }) => total))).toEqual(
        new Set(Array.from({ length: KILLS }, (_, n) => 1_000 + n)),
      );
      expect(new Set(outputs.map((output) => (output as { id: string }).id))).toEqual(
        new Set(invoices.map(({ id }) => id)),
      );
    });
  },
);
