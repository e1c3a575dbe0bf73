import { Workflow, type WorkflowContext } from "@loopstack/core";

interface Report {
  readonly reportDate: string;
  readonly reportType: string;
}

@Workflow()
export class DailyReportWorkflow {
  run(ctx: WorkflowContext, { reportDate, reportType }: Report): Promise<string> {
    return ctx.run("write-report", () => `${reportType} report of ${reportDate.slice(0, 10)}`);
  }
}
