export { CodeHost, type CodeHostOptions } from "./durable/code-host.ts";
export { ChildError, ChildrenError, StepError } from "./durable/durable-errors.ts";
export { type BodyScope, type HostPorts } from "./durable/host-ports.ts";
export { type Jsonified } from "./durable/jsonified.ts";
export { type Backoff, type StepOptions } from "./durable/step-policy.ts";
export type {
  EventWait,
  HttpAnswer,
  HttpCall,
  InvokeManyOptions,
  InvokeOptions,
  Notification,
  StepBody,
  StepScope,
  WorkflowContext,
  WorkflowLog,
} from "./durable/workflow-context.ts";
export {
  defineWorkflow,
  implement,
  workflow,
  type AnyWorkflow,
  type FailureScope,
  type ImplementOptions,
  type Workflow,
  type WorkflowContract,
  type WorkflowInput,
  type WorkflowOutput,
} from "./durable/workflow.ts";
export { RetryAfterError, TerminalError } from "@millrace/protocol";
export type {
  Duration,
  Failure,
  JsonValue,
  StandardSchema,
  StepContext,
  StepFunction,
  StepFunctions,
  WorkflowRef,
} from "@millrace/protocol";
