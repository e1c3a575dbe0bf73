import { Injectable } from "@nestjs/common";
import { Cron, CronExpression } from "@nestjs/schedule";
import { RunService } from "@loopstack/core";
import { DailyReportWorkflow } from "./workflows/daily-report.workflow.ts";
import { ReportsWorkspace } from "./workspaces.ts";

@Injectable()
export class TaskScheduler {
  constructor(private readonly runService: RunService) {}

  @Cron(CronExpression.EVERY_DAY_AT_9AM)
  async generateDailyReports() {
    const users = await this.getUsersWithReportsEnabled();

    for (const user of users) {
      await this.runService.run(
        DailyReportWorkflow.name,
        ReportsWorkspace.name,
        {
          reportDate: new Date().toISOString(),
          reportType: "daily",
        },
        user.id,
      );
    }
  }

  private async getUsersWithReportsEnabled() {
    return [{ id: "ada" }, { id: "grace" }];
  }
}
