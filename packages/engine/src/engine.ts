// The only place that wires.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  DEFAULT_LIMITS,
  MillraceError,
  nearName,
  type Actions,
  type FunctionCaller,
  type Limits,
  type RandomSource,
} from "@millrace/protocol";
import { createGraphPrograms } from "./steps/graph-programs.ts";
import { systemClock } from "./runtime/clock.ts";
import type { Engine } from "./runtime/commands.ts";
import { SILENT_LOG, type Log } from "./runtime/log.ts";
import { Node } from "./runtime/node.ts";
import { toRetention, type RetentionOptions } from "./runtime/retention.ts";
import type { StepFunctions } from "./runtime/step-function.ts";
import { watchStrayRejections } from "./runtime/stray-rejections.ts";
import type { Storage } from "./storage/storage.ts";

export interface EngineOptions {
  /** The engine closes it when it stops. */
  readonly storage: Storage;
  /** Functions that `function` steps may name. Default: none. */
  readonly functions?: StepFunctions;
  /** What `action`, `email` and `http` steps call, by name: `stripe.createInvoice`. Default: none. */
  readonly actions?: Actions;
  /** What definitions read as `env`: the allow-list and the values in one. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>;
  /** Calls functions that are stored with an HTTP target. Default: steps that name one fail. */
  readonly callFunction?: FunctionCaller;
  readonly limits?: Partial<Limits>;
  /** Default: silent. */
  readonly log?: Log;
  /** Runs kept in memory at once; above it, new runs wait in the store. Default 10,000. */
  readonly maxResidentRuns?: number;
  /**
   * Pauses the store, for all nodes that start from now on: reads are answered and starts accepted, and nothing moves
   * until `resume`. For copies, which may be doubles of what works elsewhere. Default: only a store that is paused is.
   */
  readonly startsPaused?: boolean;
  /** How long ended runs and rows of the audit are kept. Default: 30 days, failed runs 90, the audit 400. */
  readonly retention?: RetentionOptions;
}

const DEFAULT_MAX_RESIDENT_RUNS = 10_000;

/**
 * Wires storage, programs and services into one engine. Nothing happens before its `start()`.
 *
 * @throws {MillraceError} option.invalid
 *
 * @example
 * const engine = createEngine({
 *   storage: await createSqliteStorage({ path: "./.millrace/millrace.db" }),
 *   functions: { "charge-card": async (order: { total: number }) => ({ charged: order.total }) },
 * });
 * await engine.start();
 */
export function createEngine(options: EngineOptions): Engine {
  checkOptions(options);
  const node = new Node({
    storage: options.storage,
    functions: options.functions ?? {},
    actions: options.actions ?? {},
    ...(options.callFunction === undefined ? {} : { callFunction: options.callFunction }),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    log: options.log ?? SILENT_LOG,
    maxResidentRuns: options.maxResidentRuns ?? DEFAULT_MAX_RESIDENT_RUNS,
    retention: toRetention(options.retention ?? {}),
    startsPaused: options.startsPaused ?? false,
    clock: systemClock,
    random: systemRandom(),
    programs: createGraphPrograms(options.env),
    host: { name: hostname(), pid: process.pid },
  });
  return watchStrayRejections(node);
}

const OPTION_NAMES: readonly string[] = [
  "storage",
  "functions",
  "actions",
  "env",
  "callFunction",
  "limits",
  "log",
  "maxResidentRuns",
  "startsPaused",
  "retention",
];

const RETENTION_NAMES: readonly string[] = ["completed", "failed", "cancelled", "audit"];

/** A slip in an option's name would be silence otherwise. */
function checkOptions(options: EngineOptions): void {
  const { functions = {}, actions = {}, env = {}, limits = {}, callFunction } = options;
  refuseUnknown("option", Object.keys(options), OPTION_NAMES);
  refuseUnknown("limit", Object.keys(limits), Object.keys(DEFAULT_LIMITS));
  refuseUnknown("class of retention", Object.keys(options.retention ?? {}), RETENTION_NAMES);
  const { maxResidentRuns = DEFAULT_MAX_RESIDENT_RUNS } = options;
  for (const [name, value] of Object.entries({ ...limits, maxResidentRuns })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new MillraceError(
      "option.invalid",
      `The option ${name} must be a whole number above 0, received ${value}`,
    );
  }
  refuseOtherTypes("function", functions, "function");
  refuseOtherTypes("action", actions, "function");
  refuseOtherTypes("variable", env, "string");
  if (callFunction !== undefined) refuseOtherTypes("option", { callFunction }, "function");
}

function refuseOtherTypes(what: string, values: object, type: "function" | "string"): void {
  for (const [name, value] of Object.entries<unknown>({ ...values })) {
    if (typeof value === type) continue;
    throw new MillraceError(
      "option.invalid",
      `The ${what} "${name}" is not a ${type} but of type ${typeof value}`,
    );
  }
}

function refuseUnknown(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearName(unknown, known);
  const hint = near === undefined ? `There are ${known.join(", ")}` : `Did you mean "${near}"?`;
  throw new MillraceError("option.invalid", `There is no ${what} "${unknown}". ${hint}`);
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
