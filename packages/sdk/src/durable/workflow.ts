// A code workflow: the contract (a name and two types) and the code. Whoever starts a run needs the contract only.
import {
  checkName,
  MillraceError,
  toDurationMs,
  type Duration,
  type Failure,
  type StandardSchema,
  type WorkflowRef,
} from "@millrace/protocol";
import type { Jsonified } from "./jsonified.ts";
import { DEFAULT_STEP_POLICY, toStepPolicy, type Backoff, type StepPolicy } from "./step-policy.ts";
import type { StepScope, WorkflowContext } from "./workflow-context.ts";

/**
 * @typeParam Input what a start takes
 * @typeParam Output what a run gives, as JSON has it
 * @typeParam Parsed what the function gets: the input as the schema hands it on
 * @typeParam Returned what the function returns, before the schema
 */
export interface WorkflowContract<
  Input = unknown,
  Output = unknown,
  Parsed = Input,
  Returned = Output,
> extends WorkflowRef<Input, Output> {
  readonly input?: StandardSchema<Input, Parsed> | undefined;
  readonly output?: StandardSchema | undefined;
  readonly "~types"?:
    | {
        readonly input: Input;
        readonly output: Output;
        readonly parsed: Parsed;
        readonly returned: Returned;
      }
    | undefined;
}

type Types<W> = W extends { readonly "~types"?: infer T } ? NonNullable<T> : never;
/** What a start of `W` takes. */
export type WorkflowInput<W extends WorkflowRef> = Types<W>["input"];
/** What a run of `W` gives. */
export type WorkflowOutput<W extends WorkflowRef> = Types<W>["output"];

export interface FailureScope<Parsed> extends StepScope {
  readonly input: Parsed;
  readonly runId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ImplementOptions<Input, Parsed> {
  /** The author's; a run stays with the one it began with. Default: `1`. */
  readonly version?: string;
  readonly description?: string;
  /** Of its steps, where they do not say. Default: none. */
  readonly retries?: number;
  readonly backoff?: Backoff;
  readonly stepTimeout?: Duration;
  /** Of a whole run, from its start. Default: none. */
  readonly timeout?: Duration;
  /** Starts of one key are one run, for 24 hours. */
  readonly idempotencyKey?: (input: Input) => string;
  /** A step `on-failure`, after rollbacks, when the run fails. Not when it is cancelled or its input does not fit. */
  readonly onFailure?: (failure: Failure, scope: FailureScope<Parsed>) => unknown;
  /** How long an ended run is kept, however it ended; at least a minute. Default: the server's. */
  readonly retention?: Duration;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Not held to yet: no engine limits how many runs move. */
  readonly concurrency?: {
    /** How many runs (of one key) move at once. */
    readonly limit: number;
    readonly key?: (input: Input) => string;
  };
}

/** Options as they were understood. */
export interface WorkflowSettings {
  readonly version: string;
  readonly description: string | null;
  readonly step: StepPolicy;
  /** null: none. */
  readonly timeoutMs: number | null;
  /** null: the server's. */
  readonly retentionMs: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly idempotencyKey: ((input: never) => string) | null;
  readonly onFailure: ((failure: Failure, scope: FailureScope<never>) => unknown) | null;
  readonly concurrency: {
    readonly limit: number;
    readonly key: ((input: never) => string) | null;
  } | null;
}

/** The contract with its code: what hosts execute. */
export interface Workflow<
  Input = unknown,
  Output = unknown,
  Parsed = Input,
  Returned = Output,
> extends WorkflowContract<Input, Output, Parsed, Returned> {
  readonly settings: WorkflowSettings;
  /** `never`: each function declares the input that its schema gives. */
  readonly fn: (ctx: WorkflowContext, input: never) => unknown;
}

/** Any workflow, whatever its types. */
export type AnyWorkflow = Pick<Workflow, "name" | "settings" | "fn"> & {
  readonly input?: StandardSchema | undefined;
  readonly output?: StandardSchema | undefined;
};

/**
 * The contract alone, for those who start it and do not have its code.
 *
 * @throws {MillraceError} option.invalid
 */
export function defineWorkflow<Input = unknown, Returned = unknown, Parsed = Input, Out = Returned>(
  name: string,
  schemas: {
    readonly input?: StandardSchema<Input, Parsed>;
    readonly output?: StandardSchema<Returned, Out>;
  } = {},
): WorkflowContract<Input, Jsonified<Out>, Parsed, Returned> {
  const problem = checkName(name);
  if (problem !== undefined) throw invalid(`The name of a workflow: ${problem}`);
  return { name, input: schemas.input, output: schemas.output };
}

/**
 * The code of a contract.
 *
 * @throws {MillraceError} option.invalid
 */
export function implement<Input, Output, Parsed, Returned>(
  contract: WorkflowContract<Input, Output, Parsed, Returned>,
  options: NoInfer<ImplementOptions<Input, Parsed>>,
  fn: (
    ctx: WorkflowContext,
    input: NoInfer<Parsed>,
  ) => NoInfer<Returned> | Promise<NoInfer<Returned>>,
): Workflow<Input, Output, Parsed, Returned> {
  const { name, input, output } = contract;
  return { name, input, output, settings: toSettings(options), fn };
}

/**
 * A code workflow, contract and code in one. The types follow from the schemas, else from the function.
 *
 * ```ts
 * const greet = workflow("greet", {}, async (ctx, input: { name: string }) => {
 *   const text = await ctx.run("compose", () => `Hello, ${input.name}`);
 *   await ctx.sleep("think", "2 days");
 *   return { text };
 * });
 * ```
 *
 * @throws {MillraceError} option.invalid
 */
export function workflow<Returned, Out, Parsed = unknown, Input = Parsed>(
  name: string,
  options: ImplementOptions<Input, Parsed> & {
    readonly input?: StandardSchema<Input, Parsed>;
    readonly output: StandardSchema<Returned, Out>;
  },
  fn: (ctx: WorkflowContext, input: Parsed) => NoInfer<Returned> | Promise<NoInfer<Returned>>,
): Workflow<Input, Jsonified<Out>, Parsed, Returned>;
export function workflow<Returned, Parsed = unknown, Input = Parsed>(
  name: string,
  options: ImplementOptions<Input, Parsed> & {
    readonly input?: StandardSchema<Input, Parsed>;
    readonly output?: undefined;
  },
  fn: (ctx: WorkflowContext, input: Parsed) => Returned,
): Workflow<Input, Jsonified<Awaited<Returned>>, Parsed, Awaited<Returned>>;
export function workflow(
  name: string,
  options: ImplementOptions<unknown, unknown> & {
    readonly input?: StandardSchema;
    readonly output?: StandardSchema | undefined;
  },
  fn: (ctx: WorkflowContext, input: never) => unknown,
): Workflow {
  const { input, output, ...rest } = options;
  const contract = defineWorkflow(name, {
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  });
  // The overloads have matched the function with the schemas.
  return { ...contract, settings: toSettings(rest), fn };
}

function toSettings(options: ImplementOptions<never, never>): WorkflowSettings {
  const { version = "1", description, retries, backoff, stepTimeout, concurrency } = options;
  const problem = checkName(version);
  if (problem !== undefined) throw invalid(`\`version\`: ${problem}`);
  if (concurrency !== undefined && !(Number.isInteger(concurrency.limit) && concurrency.limit >= 1))
    throw invalid(`\`concurrency.limit\` must be a whole number from 1, is ${concurrency.limit}`);
  const step = toStepPolicy(
    {
      ...(retries === undefined ? {} : { retries }),
      ...(backoff === undefined ? {} : { backoff }),
      ...(stepTimeout === undefined ? {} : { timeout: stepTimeout }),
    },
    DEFAULT_STEP_POLICY,
  );
  return {
    version,
    description: description ?? null,
    step,
    timeoutMs: options.timeout === undefined ? null : toDurationMs(options.timeout, "timeout"),
    retentionMs:
      options.retention === undefined ? null : toDurationMs(options.retention, "retention"),
    metadata: options.metadata ?? {},
    idempotencyKey: options.idempotencyKey ?? null,
    onFailure: options.onFailure ?? null,
    concurrency:
      concurrency === undefined ? null : { limit: concurrency.limit, key: concurrency.key ?? null },
  };
}

const invalid = (message: string): MillraceError => new MillraceError("option.invalid", message);
