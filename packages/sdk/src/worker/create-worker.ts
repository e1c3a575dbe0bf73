import { AsyncLocalStorage } from "node:async_hooks";
import { hostname } from "node:os";
import {
  MillraceError,
  type ConnectableEngine,
  type StepFunctions,
  type WorkerOffer,
  type WorkerTransport,
} from "@millrace/protocol";
import { openCaller, type HttpClientOptions } from "../client/create-client.ts";
import { SYSTEM_PACE } from "../client/pace.ts";
import { CodeHost } from "../durable/code-host.ts";
import type { AnyWorkflow } from "../durable/workflow.ts";
import type { CreateHost } from "./attachment.ts";
import { beatByTimer, beatFromThread } from "./heartbeat.ts";
import { HttpWorkerTransport } from "./http-worker-transport.ts";
import { SupervisedWorker, type Worker } from "./worker.ts";

export interface WorkerBaseOptions {
  /** Several versions of one name may stand side by side. */
  readonly workflows?: readonly AnyWorkflow[];
  /** For `function` steps of JSON workflows, by name. */
  readonly functions?: StepFunctions;
  /** How many runs and calls it takes at once. Default: 100; beside the engine, 10,000. */
  readonly slots?: number;
  /** For people. */
  readonly labels?: Readonly<Record<string, string>>;
  /** For people. Default: this machine and process. */
  readonly name?: string;
}

/** An engine in this process. */
export interface EngineWorkerOptions extends WorkerBaseOptions {
  /** One that was started. */
  readonly engine: ConnectableEngine;
  /** Name of the tenant. Default: `default`. */
  readonly namespace?: string;
}

/** A server, wherever it is. */
export interface HttpWorkerOptions
  extends WorkerBaseOptions, Omit<HttpClientOptions, "retryForMs"> {
  /**
   * A heart of its own says that the worker lives, also while its code computes; after so long a silence of the main
   * loop it says so no more. Default: 60,000 ms.
   */
  readonly silenceMs?: number;
}

/** Any other way to an engine. */
export interface TransportWorkerOptions extends WorkerBaseOptions {
  readonly transport: WorkerTransport;
}

export type WorkerOptions = EngineWorkerOptions | HttpWorkerOptions | TransportWorkerOptions;

const DEFAULT_SLOTS = 100;
/** The engine holds no more runs than this either, and a slot in its own process costs nothing. */
const DEFAULT_SLOTS_IN_PROCESS = 10_000;
const DEFAULT_SILENCE_MS = 60_000;

/**
 * Executes code workflows and functions for an engine, in this process or over HTTP. The same program does both.
 *
 * ```ts
 * const worker = createWorker({ url: "https://millrace.example.com", key, workflows: [order] });
 * await worker.run();
 * ```
 *
 * @throws {MillraceError} option.invalid
 */
export function createWorker(options: WorkerOptions): Worker {
  const createHost: CreateHost = (report) => new CodeHost({ ...toCode(options), report });
  return new SupervisedWorker({
    ...openTransport(options),
    offer: toOffer(options),
    createHost,
    pace: SYSTEM_PACE,
  });
}

interface OpenTransport {
  readonly transport: WorkerTransport;
  readonly closeTransport: () => void;
  readonly attachesAgain: boolean;
}

function openTransport(options: WorkerOptions): OpenTransport {
  const closeTransport = (): void => undefined;
  if ("transport" in options) {
    return { transport: options.transport, closeTransport, attachesAgain: true };
  }
  if ("engine" in options) {
    const transport = options.engine.connect(options.namespace).worker;
    return { transport, closeTransport, attachesAgain: false };
  }
  const { silenceMs = DEFAULT_SILENCE_MS } = options;
  if (!(silenceMs > 0)) throw invalid("silenceMs", "must be a number above 0");
  const { caller, url, headers } = openCaller({ ...options, retryForMs: Infinity }, SYSTEM_PACE);
  const startHeart = options.fetch === undefined ? beatFromThread : beatByTimer(options.fetch);
  const transport = new HttpWorkerTransport({ caller, url, headers, startHeart, silenceMs });
  return { transport, closeTransport: () => transport.close(), attachesAgain: true };
}

function toCode({ workflows = [], functions = {} }: WorkerBaseOptions): {
  readonly workflows: readonly AnyWorkflow[];
  readonly functions: StepFunctions;
  readonly ports: { readonly bodyScope: AsyncLocalStorage<string> };
} {
  return { workflows, functions, ports: { bodyScope: new AsyncLocalStorage<string>() } };
}

function toOffer(options: WorkerBaseOptions): WorkerOffer {
  const {
    slots = "engine" in options ? DEFAULT_SLOTS_IN_PROCESS : DEFAULT_SLOTS,
    labels = {},
    name = `${hostname()}:${process.pid}`,
  } = options;
  if (!Number.isSafeInteger(slots) || slots < 1) {
    throw invalid("slots", "must be a whole number above 0");
  }
  const host = new CodeHost({ ...toCode(options), report: () => undefined });
  const [workflows, functions] = [host.offers(), host.functionNames];
  if (workflows.length + functions.length === 0) {
    throw invalid("workflows", "and `functions` are both empty: there is nothing to execute");
  }
  return { name, workflows, functions, slots, labels };
}

const invalid = (name: string, problem: string): MillraceError =>
  new MillraceError("option.invalid", `\`${name}\` ${problem}`);
