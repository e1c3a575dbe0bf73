export {
  createSandbox,
  type Captured,
  type Sandbox,
  type SandboxList,
  type SandboxOptions,
} from "./sandbox.ts";
export {
  createMemorySandboxStore,
  SandboxRecords,
  type SandboxKind,
  type SandboxPage,
  type SandboxRecord,
  type SandboxStore,
} from "./store.ts";
