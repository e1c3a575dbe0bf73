export {
  PLANTS,
  simulate,
  type Plant,
  type SimulationOptions,
  type SimulationReport,
} from "./simulation/simulate.ts";
export {
  CRASH_MOMENTS,
  type CrashMoment,
  type MayDie,
  type StoredAttempt,
} from "./simulation/die-at-commits.ts";
export { TestWorld, type TestProcess, type TestWorldOptions } from "./simulation/test-world.ts";
export { readInstant, type Instant } from "./simulation/read-instant.ts";
export type { Activity } from "./runtime/activity.ts";
export type { Attempt, Callable, Intercept } from "./runtime/callables.ts";
export type { AttemptTask } from "./runtime/executor.ts";
