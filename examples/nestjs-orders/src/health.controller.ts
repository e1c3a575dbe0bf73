import { Controller, Get } from "@nestjs/common";
import { MillraceHealthIndicator } from "@loopstack/core";

@Controller("health")
export class HealthController {
  constructor(private readonly millrace: MillraceHealthIndicator) {}

  @Get()
  check() {
    return this.millrace.isHealthy();
  }
}
