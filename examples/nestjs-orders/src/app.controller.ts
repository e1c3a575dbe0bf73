import { Body, Controller, Post } from "@nestjs/common";
import { RunService } from "@loopstack/core";
import { DefaultWorkspace } from "./default.workspace.ts";
import { MyWorkflow } from "./workflows/my.workflow.ts";

@Controller()
export class AppController {
  constructor(private readonly runService: RunService) {}

  @Post("run-my-workflow")
  async runMyWorkflow(@Body() payload: any) {
    const userId = "ada";

    await this.runService.run(MyWorkflow.name, DefaultWorkspace.name, payload, userId);

    return { message: "Workflow run is queued." };
  }
}
