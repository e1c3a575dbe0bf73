import { Injectable } from "@nestjs/common";
import { RunService } from "@loopstack/core";
import { ProcessOrderWorkflow } from "./workflows/process-order.workflow.ts";
import { OrdersWorkspace } from "./workspaces.ts";

@Injectable()
export class OrderProcessingService {
  constructor(private readonly runService: RunService) {}

  async processPendingOrders() {
    const pendingOrders = await this.getPendingOrders();

    const promises = pendingOrders.map((order) =>
      this.runService.run(
        ProcessOrderWorkflow.name,
        OrdersWorkspace.name,
        {
          orderId: order.id,
          orderData: order,
        },
        order.userId,
      ),
    );

    await Promise.all(promises);

    return { processed: pendingOrders.length };
  }

  private async getPendingOrders() {
    return Array.from({ length: 12 }, (_, n) => ({
      id: `A-${n + 1}`,
      cents: 1_000 + n,
      userId: ["ada", "grace", "alan"][n % 3] ?? "ada",
    }));
  }
}
