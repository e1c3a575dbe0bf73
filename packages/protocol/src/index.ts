export {
  ActionError,
  type Action,
  type ActionContext,
  type ActionErrorOptions,
  type Actions,
} from "./action.ts";
export {
  OPERATION_KINDS,
  type BodyResult,
  type CodeRequest,
  type CodeTask,
  type FunctionTask,
  type HostCommand,
  type HostReport,
  type OpenOperation,
  type OperationKind,
  type Outcome,
  type SessionId,
  type Settlement,
  type StepRetry,
  type StopNotice,
  type TimerDue,
} from "./code-run.ts";
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry, type RetryRule } from "./error-codes.ts";
export { FAILURE_SOURCES, MAX_FAILURE_BYTES, type Failure, type FailureSource } from "./failure.ts";
export {
  DEFAULT_TENANT,
  deriveRunId,
  newEventId,
  newNodeId,
  newRequestId,
  newRunId,
  newWorkflowId,
  parseRunId,
  runIdFloor,
  parseTenantId,
  shardOf,
  timeOf,
  type NodeId,
  type RandomSource,
  type RunId,
  type TenantId,
  type WorkflowId,
} from "./ids.ts";
export {
  asJsonText,
  fromJsonText,
  MAX_JSON_DEPTH,
  parseJson,
  toJsonText,
  type JsonProblem,
  type JsonText,
  type JsonValue,
  type ToJsonResult,
} from "./json.ts";
export {
  DEFAULT_LIMITS,
  IDEMPOTENCY_KEY_LIFETIME_MS,
  MAX_DURATION_MS,
  type Limits,
} from "./limits.ts";
export { MillraceError, type Issue } from "./millrace-error.ts";
export { checkName, typeName } from "./names.ts";
export { nearName } from "./near-name.ts";
export {
  REPLAY_DETAILS,
  REPLAY_FORMAT,
  type ReplayDetail,
  type ReplayOutcome,
  type ReplayRecord,
  type ReplaySettlement,
  type ReplayStop,
} from "./replay-record.ts";
export {
  DEFAULT_PRIORITY,
  FINISHED_STATUSES,
  isFinished,
  isFinishedStatus,
  PRIORITIES,
  RUN_STATUSES,
  TRIGGER_TYPES,
  type FinishedRun,
  type FinishedStatus,
  type ParentLink,
  type Priority,
  type Run,
  type RunStatus,
  type RunSummary,
  type TriggerType,
  type WaitingOn,
} from "./run.ts";
export { hashText, SHARD_COUNT, shardOfEvent, toShard, type Shard } from "./shard.ts";
export { STEP_STATUSES, type Attempt, type Step, type StepStatus } from "./step.ts";
export { RetryAfterError, TerminalError } from "./step-errors.ts";
export type { StepContext, StepFunction, StepFunctions } from "./step-function.ts";
export {
  HIDDEN_VALUE,
  HTTP_METHODS,
  type FunctionCaller,
  type FunctionTarget,
  type HttpMethod,
  type StoredFunction,
} from "./stored-function.ts";
export {
  boundFailure,
  CARRIED_FAILURE,
  engineFailure,
  fromThrown,
  fromThrownByRun,
  type Thrown,
} from "./thrown-failure.ts";
export { after, MAX_TIMESTAMP, toIso, toTimestamp, type Timestamp } from "./time.ts";
export {
  WORKFLOW_KINDS,
  WORKFLOW_STATUSES,
  type CodeVersion,
  type Definition,
  type RetryConfig,
  type StepDefinition,
  type Workflow,
  type WorkflowKind,
  type WorkflowStatus,
  type WorkflowVersion,
} from "./definition.ts";
export { slugOf } from "./slug.ts";
export type {
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from "./standard-schema.ts";
export type {
  CancelFilter,
  CancelOptions,
  CancelResult,
  ClientTransport,
  ConnectableEngine,
  EngineTransport,
  ListedRun,
  ListedWorkflow,
  NotifyCommand,
  NotifyResult,
  Page,
  RunPageRequest,
  RunSnapshot,
  StartCommand,
  StartResult,
  StreamItem,
  Waiter,
  WatchedEvent,
  WorkerLink,
  WorkerOffer,
  WorkerTransport,
  WorkflowOffer,
  WorkflowTransport,
} from "./transport.ts";
export { toDurationMs, type Duration } from "./duration.ts";
export type { WorkflowRef } from "./workflow-ref.ts";
