export { createTestEngine, type TestEngine } from "./create-test-engine.ts";
export { forEachCrash } from "./for-each-crash.ts";
export type { Crash } from "./crash-plan.ts";
export type { Stub, StubCall, Stubs, StubScope } from "./stubs.ts";
export type { CodeWorkflow, JsonWorkflow, TestEngineOptions } from "./test-engine-options.ts";
export type { JournalStep, TestRun } from "./test-run.ts";
export type { Instant } from "@millrace/engine/testing";
