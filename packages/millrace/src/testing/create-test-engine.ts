// The engine in memory, on time that is moved by hand: the face of `TestWorld` for tests of workflows.
import { readInstant, TestWorld, type Instant, type StoredAttempt } from "@millrace/engine/testing";
import {
  fromJsonText,
  nearName,
  toDurationMs,
  toIso,
  toJsonText,
  typeName,
  MillraceError,
  type ConnectableEngine,
  type Duration,
  type EngineTransport,
  type JsonValue,
  type WorkflowRef,
} from "@millrace/protocol";
import {
  createClient,
  type Client,
  type Notification,
  type NotifyResult,
  type StartOptions,
} from "@millrace/sdk/client";
import { attachCode } from "./attach-code.ts";
import { CrashPlan, type Crash } from "./crash-plan.ts";
import { createLivingClient } from "./living-transport.ts";
import { explainWait } from "./explain-wait.ts";
import { LivingWorkers } from "./living-workers.ts";
import { StubTable, type Stub, type StubCall } from "./stubs.ts";
import {
  checkOptions,
  type CodeWorkflow,
  type JsonWorkflow,
  type TestEngineOptions,
} from "./test-engine-options.ts";
import { WorldRun, type TestRun } from "./test-run.ts";

/**
 * Time stands still but for `advance`, `skipUntil` and the `result` of a run. Starts, signals and events resolve when all has
 * happened that needs no time. What connects to it (`createClient`, `createWorker`, a Nest module) finds an engine whose
 * time the test moves.
 */
export interface TestEngine extends ConnectableEngine, AsyncDisposable {
  /** The engine's time. */
  readonly now: Date;
  /** Waits as any client does: it does not move time. */
  readonly client: Client;
  /** Crashes that have happened. */
  readonly crashes: readonly Crash[];
  /** @throws {MillraceError} input.invalid, workflow.not-found, … */
  start<Output = JsonValue>(
    workflow: string | JsonWorkflow,
    input?: unknown,
    options?: StartOptions,
  ): Promise<TestRun<Output>>;
  start<Input, Output>(
    workflow: WorkflowRef<Input, Output>,
    input: NoInfer<Input>,
    options?: StartOptions,
  ): Promise<TestRun<Output>>;
  /** A run that was started elsewhere, by its id or name. */
  run<Output = JsonValue>(id: string): TestRun<Output>;
  /** Wakes those that wait for the event. */
  notify(notification: Notification): Promise<NotifyResult>;
  /** Moves time by so much; whatever falls due on the way happens in its order. */
  advance(duration: Duration): Promise<void>;
  /**
   * Moves time to that instant, as `advance` does: to nine o'clock, whatever the zone did to its clocks meanwhile.
   *
   * @throws {MillraceError} option.invalid: it is past
   */
  advanceTo(at: Instant): Promise<void>;
  /**
   * Moves time until the promise has settled, and no further.
   *
   * @returns what it gives @throws what it throws; Error: no time settles it
   */
  skipUntil<T>(promise: Promise<T>): Promise<T>;
  /** Resolves when nothing can go on before time moves, or something is sent. */
  settle(): Promise<void>;
  /** Replaces what the next attempts call. */
  stub(name: string, stub: Stub): void;
  /** What a stub was called with, oldest first. */
  calls(name: string): readonly StubCall[];
  /** Ends the engine's process now. Another takes over when the lease of the dead one is over, within ten seconds. */
  crash(): void;
  /** Ends the engine's process at a step's commit, once. */
  crashAt(crash: Crash): void;
  close(): Promise<void>;
}

/**
 * An engine for one test. Close it at the end, or let `await using` do that.
 *
 * ```ts
 * await using engine = await createTestEngine({ workflows: [reminders], stubs: { mail: () => "sent" } });
 * const run = await engine.start(reminders, { to: "ada@example.com" });
 * await run.result();
 * ```
 *
 * @throws {MillraceError} option.invalid, definition.invalid
 */
export async function createTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  return openWorldEngine(options);
}

const MOST_EXPLAINED = 5;

/** With what `forEachCrash` needs of it. */
export async function openWorldEngine(options: TestEngineOptions): Promise<WorldEngine> {
  const engine = new WorldEngine(options);
  try {
    await engine.open(options.workflows ?? []);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

export class WorldEngine implements TestEngine {
  readonly client: Client;
  readonly #world: TestWorld;
  readonly #stubs: StubTable;
  readonly #plan: CrashPlan;
  readonly #workers = new LivingWorkers();
  /** Of JSON workflows, by name. */
  readonly #ids = new Map<string, string>();
  #detach = (): void => undefined;

  constructor(options: TestEngineOptions) {
    const { startAt, patienceMs } = checkOptions(options);
    const { functions = {}, actions = {}, stubs = {}, crashes = [] } = options;
    const { env, callFunction, limits, retention } = options;
    this.#plan = new CrashPlan(crashes);
    this.#world = new TestWorld({
      startAt,
      patienceMs,
      functions,
      actions,
      ...(env === undefined ? {} : { env }),
      ...(callFunction === undefined ? {} : { callFunction }),
      ...(limits === undefined ? {} : { limits }),
      ...(retention === undefined ? {} : { retention }),
      intercept: (task) => this.#stubs.intercept(task),
      isDormant: (activity) => this.#stubs.isDormant(activity),
      mayDie: (moment, attempts) => this.#plan.mayDie(moment, attempts),
      onReady: (node) => this.#workers.attachAll(node),
    });
    this.#stubs = new StubTable(this.#world, stubs);
    this.client = createClient({ engine: this });
  }

  get now(): Date {
    return new Date(this.#world.now);
  }

  get crashes(): readonly Crash[] {
    return this.#plan.happened;
  }

  /** Attempts that have ended. */
  get stored(): readonly StoredAttempt[] {
    return this.#plan.stored;
  }

  async open(workflows: readonly (CodeWorkflow | JsonWorkflow)[]): Promise<void> {
    await this.#world.open();
    const code = workflows.filter(isCode);
    this.#detach = await attachCode(this.#world, this.#workers.connect(this.#world), code);
    for (const workflow of workflows) if (!isCode(workflow)) await this.#install(workflow);
  }

  connect(namespace?: string): EngineTransport {
    return {
      client: createLivingClient(this.#world, namespace),
      worker: this.#workers.connect(this.#world, namespace),
    };
  }

  async start<Output>(
    workflow: string | JsonWorkflow | WorkflowRef,
    input?: unknown,
    options?: StartOptions,
  ): Promise<TestRun<Output>> {
    const target = this.#toTarget(workflow);
    const starting =
      typeof target === "string"
        ? this.client.start(target, input, options)
        : this.client.start(target, input, options);
    const handle = await starting.catch(async (error: unknown) => {
      throw await this.#explainStart(
        typeof workflow === "string" ? workflow : workflow.name,
        error,
      );
    });
    await this.#world.pause();
    return this.run<Output>(handle.id);
  }

  run<Output>(id: string): TestRun<Output> {
    return new WorldRun<Output>(this.#world, this.client.run<Output>(id));
  }

  async notify(notification: Notification): Promise<NotifyResult> {
    const result = await this.client.notify(notification);
    await this.#world.pause();
    return result;
  }

  async advance(duration: Duration): Promise<void> {
    await this.#world.advance(toDurationMs(duration, "duration"));
  }

  async advanceTo(at: Instant): Promise<void> {
    const [until, { now }] = [readInstant(at, "at"), this.#world];
    if (until < now) {
      const message = `\`at\`: ${toIso(until)} is past. The engine's time is ${toIso(now)}, and does not go back`;
      throw new MillraceError("option.invalid", message);
    }
    await this.#world.advance(until - now);
  }

  async skipUntil<T>(promise: Promise<T>): Promise<T> {
    assertPromise(promise);
    const state = { isSettled: false };
    const settled = (): void => {
      state.isSettled = true;
    };
    promise.then(settled, settled);
    if (await this.#world.moveUntil(() => state.isSettled)) return promise;
    throw new Error(`No time settles that promise. ${this.#explainAll()}`);
  }

  settle(): Promise<void> {
    return this.#world.settle();
  }

  stub(name: string, stub: Stub): void {
    this.#stubs.set(name, stub);
  }

  calls(name: string): readonly StubCall[] {
    return this.#stubs.calls(name);
  }

  crash(): void {
    this.#world.crash();
  }

  crashAt(crash: Crash): void {
    this.#plan.add(crash);
  }

  async close(): Promise<void> {
    await this.#world[Symbol.asyncDispose]();
    this.#detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #explainAll(): string {
    const live = this.#world.liveRuns;
    if (live.length === 0) return "No run is alive";
    const shown = live.slice(0, MOST_EXPLAINED);
    const more = live.length > shown.length ? `; and ${live.length - shown.length} more` : "";
    return `${shown.map((id) => `Run ${id} ${explainWait(this.#world, id)}`).join("; ")}${more}`;
  }

  /** A test has few workflows, and they are no secret. */
  async #explainStart(name: string, error: unknown): Promise<unknown> {
    if (!MillraceError.is(error) || error.code !== "workflow.not-found") return error;
    const { items } = await this.client.workflows.list().page();
    const names = items.map((item) => item.name);
    const near = nearName(name, names);
    const known = names.length === 0 ? "none" : names.slice(0, MOST_EXPLAINED).join(", ");
    const hint = near === undefined ? `It has ${known}` : `Did you mean "${near}"?`;
    const message = `The test engine has no workflow "${name}". ${hint}`;
    return new MillraceError(error.code, message, { cause: error });
  }

  #toTarget(workflow: string | JsonWorkflow | WorkflowRef): string | WorkflowRef {
    const name = typeof workflow === "string" ? workflow : workflow.name;
    const id = this.#ids.get(name);
    if (id !== undefined) return id;
    return typeof workflow === "string" || "steps" in workflow ? name : workflow;
  }

  async #install(workflow: JsonWorkflow): Promise<void> {
    const json = toJsonText(workflow);
    if (!json.ok) {
      const message = `The definition of "${workflow.name}": ${json.problem}`;
      throw new MillraceError("option.invalid", message);
    }
    const { id } = await this.client.workflows
      .create(fromJsonText(json.text))
      .catch((error: unknown) => {
        throw toDefinitionError(workflow.name, error);
      });
    await this.client.workflows.activate(id);
    this.#ids.set(workflow.name, id);
  }
}

/** With all mistakes in its message, since that is what a test runner shows. */
function toDefinitionError(name: string, error: unknown): unknown {
  if (!MillraceError.is(error) || error.issues.length === 0) return error;
  const { code, issues } = error;
  const lines = issues.map(({ path, message }) => `\n  ${path.join(".")}: ${message}`);
  const message = `The definition of "${name}" has mistakes${lines.join("")}`;
  return new MillraceError(code, message, { issues, cause: error });
}

/** Callers without types give anything. */
function assertPromise(promise: unknown): void {
  if (typeof promise === "object" && promise !== null && "then" in promise) return;
  const message = `\`skipUntil\` takes a promise, received ${typeName(promise)}. To an instant time moves by advanceTo, by a duration by advance`;
  throw new MillraceError("option.invalid", message);
}

const isCode = (workflow: CodeWorkflow | JsonWorkflow): workflow is CodeWorkflow =>
  "fn" in workflow;
