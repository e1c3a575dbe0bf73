export { check, checkRuns, type CheckOptions, type CheckReport } from "./check.ts";
export type { CheckedRun, CheckResult } from "./checked-run.ts";
export { parseReplayRecord, type ParsedRecord } from "./parse-record.ts";
export { toStructure, type Digest } from "./to-structure.ts";
export type { ReplayRecord } from "@millrace/protocol";
