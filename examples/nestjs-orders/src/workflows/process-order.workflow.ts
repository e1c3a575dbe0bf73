import { Workflow, type WorkflowContext } from "@loopstack/core";
import { Ledger } from "../ledger.ts";

interface Order {
  readonly orderId: string;
  readonly orderData: { readonly cents: number };
}

@Workflow()
export class ProcessOrderWorkflow {
  constructor(private readonly ledger: Ledger) {}

  async run(ctx: WorkflowContext, { orderId, orderData }: Order): Promise<string> {
    await ctx.run("charge", ({ idempotencyKey }) =>
      this.ledger.write(`charged ${orderData.cents} for ${orderId}, key ${idempotencyKey}`),
    );
    await ctx.sleep("pack", "200 ms");
    return ctx.run("ship", () => `${orderId} is on its way`);
  }
}
