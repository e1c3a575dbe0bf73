export { MillraceException, type MillraceExceptionBody } from "./millrace-exception.ts";
export { MillraceClient } from "./millrace-client.ts";
export { MillraceHealthIndicator, type HealthResult } from "./millrace-health-indicator.ts";
export { MillraceModule, type MillraceAsyncOptions } from "./millrace-module.ts";
export {
  type EmbeddedEngine,
  type EngineModuleOptions,
  type MillraceOptions,
  type ModuleWorkerOptions,
  type ServerModuleOptions,
} from "./options.ts";
export { RunService } from "./run-service.ts";
export {
  type RunItem,
  type RunManyOptions,
  type RunOptions,
  type RunOutcome,
  type RunReceipt,
} from "./run-item.ts";
export { UserRunService } from "./user-run-service.ts";
export {
  WebhookSignature,
  type HmacOptions,
  type WebhookSecret,
  type WebhookSignatureGuard,
} from "./webhook-signature.ts";
export { Workflow, type WorkflowClass, type WorkflowOptions } from "./workflow.ts";
export { Workspace, type WorkspaceClass, type WorkspaceOptions } from "./workspace.ts";
export {
  ChildError,
  ChildrenError,
  RetryAfterError,
  StepError,
  TerminalError,
  type Duration,
  type JsonValue,
  type StandardSchema,
  type StepScope,
  type WorkflowContext,
} from "@millrace/sdk";
export { MillraceError, type ConnectableEngine, type RunHandle } from "@millrace/sdk/client";
