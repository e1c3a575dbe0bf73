// The only place that wires.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { DEFAULT_LIMITS, type Limits, type RandomSource } from "@millrace/protocol";
import { graphPrograms } from "./steps/graph-programs.ts";
import { systemClock } from "./runtime/clock.ts";
import type { Engine } from "./runtime/commands.ts";
import { SILENT_LOG, type Log } from "./runtime/log.ts";
import { Node } from "./runtime/node.ts";
import type { StepFunctions } from "./runtime/step-function.ts";
import { watchStrayRejections } from "./runtime/stray-rejections.ts";
import type { Storage } from "./storage/storage.ts";

export interface EngineOptions {
  /** The engine closes it when it stops. */
  readonly storage: Storage;
  /** Functions that `function` steps may name. Default: none. */
  readonly functions?: StepFunctions;
  readonly limits?: Partial<Limits>;
  /** Default: silent. */
  readonly log?: Log;
  /** Runs kept in memory at once; above it, new runs wait in the store. Default 10,000. */
  readonly maxResidentRuns?: number;
}

const DEFAULT_MAX_RESIDENT_RUNS = 10_000;

/**
 * Wires storage, programs and services into one engine. Nothing happens before its `start()`.
 *
 * @example
 * const engine = createEngine({
 *   storage: await createSqliteStorage({ path: "./.millrace/millrace.db" }),
 *   functions: { "charge-card": async (order: { total: number }) => ({ charged: order.total }) },
 * });
 * await engine.start();
 */
export function createEngine(options: EngineOptions): Engine {
  const node = new Node({
    storage: options.storage,
    functions: options.functions ?? {},
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    log: options.log ?? SILENT_LOG,
    maxResidentRuns: options.maxResidentRuns ?? DEFAULT_MAX_RESIDENT_RUNS,
    clock: systemClock,
    random: systemRandom(),
    programs: graphPrograms,
    host: { name: hostname(), pid: process.pid },
  });
  return watchStrayRejections(node);
}

/** 32 bits at a time out of a block, because asking the system for each would cost more than all else in a start. */
function systemRandom(): RandomSource {
  const words = 1_024;
  let block = randomBytes(words * 4);
  let used = 0;
  return () => {
    if (used === words) {
      block = randomBytes(words * 4);
      used = 0;
    }
    return block.readUInt32LE(4 * used++);
  };
}
