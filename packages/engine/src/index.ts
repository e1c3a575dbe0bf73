export { createEngine, type EngineOptions } from "./engine.ts";
export { ActionError, RetryAfterError, TerminalError } from "@millrace/protocol";
export type { Action, ActionContext, Actions, FunctionCaller } from "@millrace/protocol";
export type {
  Actor,
  ApiKey,
  CancelOutcome,
  CancelRequest,
  CreateWorkflowRequest,
  DefinitionCheck,
  DeleteFunctionRequest,
  Engine,
  EngineHealth,
  EngineMetrics,
  Histogram,
  PutFunctionOutcome,
  PutFunctionRequest,
  RestoreWorkflowRequest,
  RunListItem,
  SavedWorkflow,
  StartOutcome,
  StartRequest,
  UpdateWorkflowRequest,
} from "./runtime/commands.ts";
export type { Log } from "./runtime/log.ts";
export type { StepContext, StepFunction, StepFunctions } from "./runtime/step-function.ts";
export type { Audit } from "./storage/catalog.ts";
