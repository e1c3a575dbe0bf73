export { createEngine, type EngineOptions } from "./engine.ts";
export type { RetentionOptions } from "./runtime/retention.ts";
export { ActionError, RetryAfterError, TerminalError } from "@millrace/protocol";
export type { Action, ActionContext, Actions, FunctionCaller } from "@millrace/protocol";
export type {
  Actor,
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
  StartCheck,
  StartOutcome,
  StartRequest,
  UpdateWorkflowRequest,
} from "./runtime/commands.ts";
export { WORKFLOW_MOVES, type WorkflowMove } from "./runtime/workflow-moves.ts";
export type {
  CancelMatchingOutcome,
  CancelMatchingRequest,
  RetryRequest,
  RunCommands,
  RunListFilter,
  RunListRequest,
} from "./runtime/run-commands.ts";
export type {
  EventCommands,
  NotifyOutcome,
  NotifyRequest,
  PublishOutcome,
  PublishRequest,
  SignalOutcome,
  SignalRequest,
} from "./runtime/event-commands.ts";
export type { FeedItem, ReceivedMessage, RunEvent } from "./runtime/run-event.ts";
export { toRunEvent } from "./runtime/run-event.ts";
export { toEventData } from "./runtime/watched-event.ts";
export type { Log } from "./runtime/log.ts";
export type { StepContext, StepFunction, StepFunctions } from "./runtime/step-function.ts";
export type {
  ApiKey,
  CountedRequest,
  KeyCommands,
  KeyLimits,
  KeyListing,
  RequestCount,
  RevokeKeyRequest,
  RotateKeyRequest,
} from "./runtime/key-commands.ts";
export type {
  CreateTenantRequest,
  Tenant,
  TenantCommands,
  Workspace,
  WorkspaceCommands,
  WorkspaceListing,
} from "./runtime/tenant-commands.ts";
export type { Audit, AuditFilter, AuditPage, AuditRow } from "./storage/catalog.ts";
export {
  exportStore,
  type ExportReport,
  type ExportRequest,
} from "./storage/transfer/export-store.ts";
export {
  importStore,
  type ImportReport,
  type ImportRequest,
} from "./storage/transfer/import-store.ts";
export type { StoreSource, StoreTarget } from "./storage/transfer/store-dump.ts";
