export { createEngine, type EngineOptions } from "./engine.ts";
export { RetryAfterError, TerminalError } from "@millrace/protocol";
export type {
  Actor,
  ApiKey,
  CancelOutcome,
  CancelRequest,
  CreatedWorkflow,
  CreateWorkflowRequest,
  Engine,
  EngineHealth,
  EngineMetrics,
  Histogram,
  RunListItem,
  StartOutcome,
  StartRequest,
} from "./runtime/commands.ts";
export type { Log } from "./runtime/log.ts";
export type { StepContext, StepFunction, StepFunctions } from "./runtime/step-function.ts";
export type { Audit } from "./storage/catalog.ts";
