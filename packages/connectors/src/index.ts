export type { Action, ActionContext, Actions } from "@millrace/protocol";
export type { CallCaps, GuardCaps } from "./guard/caps.ts";
export { createGuard, type Guard, type GuardOptions } from "./guard/guard.ts";
export type { Lookup, PinnedAddress } from "./guard/pin.ts";
export { createFunctionCaller } from "./http/create-function-caller.ts";
export { createHttpActions } from "./http/create-http-actions.ts";
export { createConnectors, type ConnectorOptions, type Connectors } from "./connectors.ts";
export type { EmailSettings } from "./email/index.ts";
export {
  createMemorySandboxStore,
  createSandbox,
  SandboxRecords,
  type Captured,
  type Sandbox,
  type SandboxKind,
  type SandboxList,
  type SandboxOptions,
  type SandboxPage,
  type SandboxRecord,
  type SandboxStore,
} from "./sandbox/index.ts";
export type { SlackSettings } from "./slack/index.ts";
export type { StripeSettings } from "./stripe/index.ts";
