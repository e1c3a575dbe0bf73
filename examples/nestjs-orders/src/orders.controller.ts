// What else of the application can be reached, so that each sample can be driven from outside.
import { Body, Controller, Get, HttpCode, Param, Post, Query } from "@nestjs/common";
import { EventEmitter2 } from "@nestjs/event-emitter";
import { MillraceClient, RunService } from "@loopstack/core";
import { Ledger } from "./ledger.ts";
import type { OrderCreated } from "./order.listener.ts";
import { OrderProcessingService } from "./order-processing.service.ts";
import { TaskScheduler } from "./task-scheduler.ts";

@Controller()
export class OrdersController {
  constructor(
    private readonly orders: OrderProcessingService,
    private readonly scheduler: TaskScheduler,
    private readonly events: EventEmitter2,
    private readonly runService: RunService,
    private readonly client: MillraceClient,
    private readonly ledger: Ledger,
  ) {}

  @Post("orders")
  @HttpCode(202)
  async create(@Body() order: OrderCreated) {
    await this.events.emitAsync("order.created", order);
    return { accepted: order.id };
  }

  @Post("orders/process-pending")
  processPending() {
    return this.orders.processPendingOrders();
  }

  @Post("reports")
  async report() {
    await this.scheduler.generateDailyReports();
    return { reported: true };
  }

  /** Whatever `run` is given. */
  @Post("start")
  start(@Body() { args }: { args: Parameters<RunService["run"]> }) {
    return this.runService.run(...args);
  }

  /** Of one user, or of all. */
  @Get("runs")
  async list(@Query("user") user: string) {
    const page = await this.client.runs.list(user === "" ? {} : { user }).page();
    return page.items;
  }

  @Get("runs/:id")
  run(@Param("id") id: string) {
    return this.client.runs.get(id);
  }

  @Post("runs/:id/signals/:name")
  async signal(@Param("id") id: string, @Param("name") name: string, @Body() data: unknown) {
    await this.client.run(id).signal(name, data);
    return { sent: name };
  }

  /** Answers when it has ended. */
  @Get("runs/:id/end")
  async end(@Param("id") id: string) {
    const run = this.client.run(id);
    // One that has failed is an answer, too.
    await run.result().catch(() => null);
    return run.get();
  }

  @Get("ledger")
  lines() {
    return this.ledger.lines;
  }
}
