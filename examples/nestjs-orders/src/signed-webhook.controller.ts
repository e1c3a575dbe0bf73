// The webhook as it should be: whoever cannot sign the body does not reach the method.
import { Body, Controller, Post, UseGuards } from "@nestjs/common";
import { RunService, WebhookSignature } from "@loopstack/core";
import { ProcessWebhookWorkflow } from "./workflows/process-webhook.workflow.ts";
import { MainWorkspace } from "./workspaces.ts";

interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly object: { readonly metadata: { readonly userId: string } } };
}

@Controller("webhooks")
export class SignedWebhookController {
  constructor(private readonly runService: RunService) {}

  @Post("stripe-signed")
  @UseGuards(WebhookSignature.stripe(() => process.env["STRIPE_WEBHOOK_SECRET"] ?? ""))
  async handle(@Body() event: StripeEvent) {
    await this.runService.run(
      ProcessWebhookWorkflow,
      MainWorkspace,
      { source: "stripe", event, receivedAt: new Date().toISOString() },
      event.data.object.metadata.userId,
      // Stripe sends an event again until it is answered.
      { idempotencyKey: event.id },
    );
    return { received: true };
  }
}
