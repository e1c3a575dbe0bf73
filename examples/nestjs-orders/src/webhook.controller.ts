import { Body, Controller, Headers, Post } from "@nestjs/common";
import { RunService } from "@loopstack/core";
import { ProcessWebhookWorkflow } from "./workflows/process-webhook.workflow.ts";
import { MainWorkspace } from "./workspaces.ts";

@Controller("webhooks")
export class WebhookController {
  constructor(private readonly runService: RunService) {}

  @Post("stripe")
  async handleStripeWebhook(
    @Body() webhookData: any,
    @Headers("stripe-signature") signature: string,
  ) {
    await this.runService.run(
      ProcessWebhookWorkflow.name,
      MainWorkspace.name,
      {
        source: "stripe",
        event: webhookData,
        receivedAt: new Date().toISOString(),
      },
      webhookData.userId,
    );

    return { received: true };
  }
}
