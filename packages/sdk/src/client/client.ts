import {
  MillraceError,
  type CancelFilter,
  type ClientTransport,
  type JsonValue,
  type ListedRun,
  type ListedWorkflow,
  type NotifyResult,
  type RunPageRequest,
  type RunSnapshot,
  type StartCommand,
  type StartResult,
  type Waiter,
  type WorkflowRef,
  type WorkflowTransport,
} from "@millrace/protocol";
import { createListing, type Listing } from "./listing.ts";
import { newKey } from "./new-key.ts";
import { TransportRunHandle, type RunHandle } from "./run-handle.ts";
import { toCommand, toText, type StartItem, type StartOptions } from "./to-command.ts";

/** What became of one item of `startMany`. */
export type StartOutcome<Output = JsonValue> =
  | { readonly kind: "created"; readonly run: RunHandle<Output> }
  /** Its key had started this run, with the same input. */
  | { readonly kind: "existing"; readonly run: RunHandle<Output> }
  /** Its key had started this run, with another input. */
  | {
      readonly kind: "conflict";
      readonly run: RunHandle<Output>;
      readonly error: MillraceError;
    }
  | { readonly kind: "rejected"; readonly error: MillraceError };

export interface InputItem<Input> {
  readonly input: Input;
  readonly options?: StartOptions;
}

export interface CancelManyOptions {
  /** 1 to 255 characters; kept with the runs. */
  readonly reason?: string;
  /** Counts those that would be asked, and asks nobody. */
  readonly dryRun?: boolean;
  /** Stops; what was asked stays asked. */
  readonly signal?: AbortSignal;
}

export interface Notification {
  readonly eventId: string;
  /** Default: null. */
  readonly eventData?: unknown;
  /** Only this run. Default: all that wait for the event. */
  readonly workflowRunId?: string;
  /** A repeat with the same one changes nothing. Default: a new one. */
  readonly id?: string;
}

export interface ClientRuns {
  /** null: there is none. */
  get(run: string): Promise<RunSnapshot | null>;
  /** Newest first, all pages. */
  list(request?: Omit<RunPageRequest, "cursor">): Listing<ListedRun>;
  /** A new run that goes on where this one failed. */
  retry(run: string, options?: { readonly idempotencyKey?: string }): Promise<RunHandle>;
  cancel(run: string, reason?: string): Promise<boolean>;
}

export interface ClientWorkflows extends Omit<WorkflowTransport, "list"> {
  /** By id, all pages. */
  list(request?: Omit<Parameters<WorkflowTransport["list"]>[0], "cursor">): Listing<ListedWorkflow>;
}

/** Talks to an engine: over HTTP, or to one in the same process. Both do the same. */
export interface Client {
  /**
   * Resolves when the start is durable. Safe to be repeated by the client itself; give an `idempotencyKey` if you repeat it.
   *
   * @throws {MillraceError} input.invalid, workflow.not-found, idempotency.mismatch, server.unreachable, …
   */
  start<Input, Output>(
    workflow: WorkflowRef<Input, Output>,
    input: NoInfer<Input>,
    options?: StartOptions,
  ): Promise<RunHandle<Output>>;
  start<Output = JsonValue>(
    workflow: string,
    input?: unknown,
    options?: StartOptions,
  ): Promise<RunHandle<Output>>;

  /** Up to 10,000; one outcome an item, in order. One that is rejected does not keep others back. */
  startMany<Input, Output>(
    workflow: WorkflowRef<Input, Output>,
    items: readonly InputItem<NoInfer<Input>>[],
  ): Promise<readonly StartOutcome<Output>[]>;
  startMany<Output = JsonValue>(
    workflow: string,
    items: readonly InputItem<unknown>[],
  ): Promise<readonly StartOutcome<Output>[]>;
  startMany(items: readonly StartItem[]): Promise<readonly StartOutcome[]>;

  /** A run that was started elsewhere or before. Asks nobody. */
  run<Output = JsonValue>(id: string): RunHandle<Output>;
  /**
   * Asks every live run that matches to cancel, however many they are; those that start meanwhile are left alone.
   *
   * @param filter exactly one of its fields
   * @returns how many were asked
   */
  cancel(filter: CancelFilter, options?: CancelManyOptions): Promise<{ readonly count: number }>;
  /** Wakes those that wait for the event, and starts what it triggers. */
  notify(notification: Notification): Promise<NotifyResult>;
  /** Who waits for an event now. */
  getWaiters(query: { readonly eventId: string }): Promise<readonly Waiter[]>;
  readonly runs: ClientRuns;
  readonly workflows: ClientWorkflows;
  /** Ends what is under way; the client is of no use afterwards. */
  close(): Promise<void>;
}

const MOST_ITEMS = 10_000;

export class TransportClient implements Client {
  readonly #transport: ClientTransport;
  readonly runs: ClientRuns;
  readonly workflows: ClientWorkflows;

  constructor(transport: ClientTransport) {
    this.#transport = transport;
    this.runs = {
      get: (run) => transport.getRun(run),
      list: (request = {}) =>
        createListing((cursor) =>
          transport.listRuns(cursor === undefined ? request : { ...request, cursor }),
        ),
      retry: async (run, options = {}) => {
        const { idempotencyKey = newKey() } = options;
        return this.run(await transport.retryRun(run, { idempotencyKey }));
      },
      cancel: (run, reason) => this.run(run).cancel(reason),
    };
    this.workflows = toWorkflows(transport.workflows);
  }

  async start<Output>(
    workflow: string | WorkflowRef,
    input?: unknown,
    options?: StartOptions,
  ): Promise<RunHandle<Output>> {
    const command = await toCommand({ workflow, input, options });
    const [result] = await this.#transport.startRuns([command]);
    const outcome = this.#toOutcome<Output>(result);
    if ("error" in outcome) throw outcome.error;
    return outcome.run;
  }

  async startMany<Output>(
    first: string | WorkflowRef | readonly StartItem[],
    inputs: readonly InputItem<unknown>[] = [],
  ): Promise<readonly StartOutcome<Output>[]> {
    // `isArray` takes the type of the items away.
    const items = Array.isArray(first)
      ? (first as readonly StartItem[])
      : inputs.map((item) => ({ ...item, workflow: first as string | WorkflowRef }));
    if (items.length > MOST_ITEMS) {
      const message = `There are ${items.length} items; the limit is ${MOST_ITEMS}`;
      throw new MillraceError("request.too-large", message);
    }
    const read = await Promise.all(items.map((item) => toCommand(item).catch(toRefusal)));
    const commands = read.filter((one): one is StartCommand => !MillraceError.is(one));
    const results = commands.length === 0 ? [] : await this.#transport.startRuns(commands);
    let next = 0;
    return read.map((one) =>
      MillraceError.is(one)
        ? { kind: "rejected", error: one }
        : this.#toOutcome<Output>(results[next++]),
    );
  }

  run<Output>(id: string): RunHandle<Output> {
    return new TransportRunHandle<Output>(this.#transport, id);
  }

  async cancel(
    filter: CancelFilter,
    options: CancelManyOptions = {},
  ): Promise<{ readonly count: number }> {
    checkFilter(filter);
    let count = 0;
    for (let cursor: string | null = null; ;) {
      options.signal?.throwIfAborted();
      const more = cursor === null ? options : { ...options, cursor };
      const result = await this.#transport.cancelRuns(filter, more);
      count += result.count;
      if (result.cursor === null) return { count };
      cursor = result.cursor;
    }
  }

  async notify({
    eventId,
    eventData = null,
    workflowRunId,
    id,
  }: Notification): Promise<NotifyResult> {
    const [result] = await this.#transport.notify([
      {
        eventId,
        eventData: toText(eventData, "event's data"),
        id: id ?? newKey(),
        ...(workflowRunId === undefined ? {} : { runId: workflowRunId }),
      },
    ]);
    if (result === undefined) throw new Error("the server gave no outcome for an event");
    return result;
  }

  getWaiters({ eventId }: { readonly eventId: string }): Promise<readonly Waiter[]> {
    return this.#transport.getWaiters(eventId);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #toOutcome<Output>(result: StartResult | undefined): StartOutcome<Output> {
    if (result === undefined) throw new Error("the server gave no outcome for a start");
    if (result.kind === "rejected") return result;
    const run = this.run<Output>(result.runId);
    if (result.kind === "conflict") return { kind: "conflict", run, error: result.error };
    return { kind: result.kind, run };
  }
}

function toRefusal(error: unknown): MillraceError {
  if (MillraceError.is(error)) return error;
  throw error;
}

const FILTERS = ["ids", "workflow", "idStartsWith", "metadata", "all"] as const;

/** A slip here would cancel what nobody meant. */
function checkFilter(filter: CancelFilter): void {
  const given = FILTERS.filter((name) => filter[name] !== undefined);
  const isGood =
    given.length === 1 &&
    filter.idStartsWith !== "" &&
    (filter.metadata === undefined || Object.keys(filter.metadata).length > 0);
  if (isGood) return;
  const message = `Exactly one of ${FILTERS.join(", ")} is needed, and it must not be empty`;
  throw new MillraceError("request.invalid", message, { issues: [{ path: [], message }] });
}

const toWorkflows = (transport: WorkflowTransport): ClientWorkflows => ({
  create: (definition) => transport.create(definition),
  replace: (workflow, definition) => transport.replace(workflow, definition),
  get: (workflow) => transport.get(workflow),
  list: (request = {}) =>
    createListing((cursor) =>
      transport.list(cursor === undefined ? request : { ...request, cursor }),
    ),
  activate: (workflow) => transport.activate(workflow),
  pause: (workflow) => transport.pause(workflow),
  resume: (workflow) => transport.resume(workflow),
  archive: (workflow) => transport.archive(workflow),
});
