import { Module } from "@nestjs/common";
import { EventEmitterModule } from "@nestjs/event-emitter";
import { ScheduleModule } from "@nestjs/schedule";
import { MillraceModule } from "@loopstack/core";
import { AppController } from "./app.controller.ts";
import { HealthController } from "./health.controller.ts";
import { Ledger } from "./ledger.ts";
import { millraceOptions } from "./millrace-options.ts";
import { OrderListener } from "./order.listener.ts";
import { OrderProcessingService } from "./order-processing.service.ts";
import { OrdersController } from "./orders.controller.ts";
import { SignedWebhookController } from "./signed-webhook.controller.ts";
import { TaskScheduler } from "./task-scheduler.ts";
import { WebhookController } from "./webhook.controller.ts";
import { DailyReportWorkflow } from "./workflows/daily-report.workflow.ts";
import { MyWorkflow } from "./workflows/my.workflow.ts";
import { ProcessOrderWorkflow } from "./workflows/process-order.workflow.ts";
import { ProcessWebhookWorkflow } from "./workflows/process-webhook.workflow.ts";

@Module({
  imports: [
    MillraceModule.forRootAsync({ useFactory: millraceOptions }),
    ScheduleModule.forRoot(),
    EventEmitterModule.forRoot(),
  ],
  controllers: [
    AppController,
    WebhookController,
    SignedWebhookController,
    OrdersController,
    HealthController,
  ],
  providers: [
    Ledger,
    MyWorkflow,
    ProcessWebhookWorkflow,
    DailyReportWorkflow,
    ProcessOrderWorkflow,
    TaskScheduler,
    OrderProcessingService,
    OrderListener,
  ],
})
export class AppModule {}
