import { Workflow, type WorkflowContext } from "@loopstack/core";

interface Webhook {
  readonly source: string;
  readonly event: { readonly type?: string };
  readonly receivedAt: string;
}

@Workflow()
export class ProcessWebhookWorkflow {
  run(ctx: WorkflowContext, { source, event }: Webhook): Promise<string> {
    return ctx.run("handle", () => `${source}: ${event.type ?? "no type"}`);
  }
}
