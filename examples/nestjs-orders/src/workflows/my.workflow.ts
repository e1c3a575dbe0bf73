import { Workflow, type WorkflowContext } from "@loopstack/core";
import { Ledger } from "../ledger.ts";

interface Payload {
  /** Whether somebody has to say when it may go on. */
  readonly waits?: boolean;
}

@Workflow()
export class MyWorkflow {
  constructor(private readonly ledger: Ledger) {}

  async run(ctx: WorkflowContext, args: Payload): Promise<Payload> {
    if (args.waits) await ctx.waitForEvent("go-on");
    await ctx.run("write", () => this.ledger.write(`my workflow of ${ctx.userId ?? ""}`));
    return args;
  }
}
