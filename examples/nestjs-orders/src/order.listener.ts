import { Injectable } from "@nestjs/common";
import { OnEvent } from "@nestjs/event-emitter";
import { RunService } from "@loopstack/core";
import { ProcessOrderWorkflow } from "./workflows/process-order.workflow.ts";
import { OrdersWorkspace } from "./workspaces.ts";

export interface OrderCreated {
  readonly id: string;
  readonly cents: number;
  readonly userId: string;
}

@Injectable()
export class OrderListener {
  constructor(private readonly runService: RunService) {}

  @OnEvent("order.created")
  async handleOrderCreated(order: OrderCreated) {
    await this.runService.run(
      ProcessOrderWorkflow.name,
      OrdersWorkspace.name,
      { orderId: order.id, orderData: order },
      order.userId,
      { idempotencyKey: `order-${order.id}` },
    );
  }
}
