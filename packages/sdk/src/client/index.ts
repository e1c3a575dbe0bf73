export {
  type CancelManyOptions,
  type Client,
  type ClientRuns,
  type ClientWorkflows,
  type InputItem,
  type Notification,
  type StartOutcome,
} from "./client.ts";
export {
  createClient,
  type ClientOptions,
  type EngineClientOptions,
  type HttpClientOptions,
} from "./create-client.ts";
export { type Listing } from "./listing.ts";
export { RunCancelledError, RunFailedError } from "./run-errors.ts";
export { type RunHandle, type WaitOptions } from "./run-handle.ts";
export { type StartItem, type StartOptions } from "./to-command.ts";
export { MillraceError } from "@millrace/protocol";
export type {
  CancelFilter,
  ConnectableEngine,
  Failure,
  JsonValue,
  ListedRun,
  ListedWorkflow,
  NotifyResult,
  Page,
  RunSnapshot,
  RunStatus,
  StreamItem,
  Waiter,
  WatchedEvent,
  WorkflowRef,
} from "@millrace/protocol";
