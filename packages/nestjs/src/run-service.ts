import {
  checkName,
  MillraceError,
  typeName,
  type JsonValue,
  type WorkflowRef,
} from "@millrace/protocol";
import type { StartItem, StartOptions, StartOutcome } from "@millrace/sdk/client";
import { Logger } from "@nestjs/common";
import { MillraceException, toException } from "./millrace-exception.ts";
import type { MillraceRuntime } from "./millrace-runtime.ts";
import { toPayload } from "./payload.ts";
import { invalidArgument, type Registry } from "./registry.ts";
import type { RunItem, RunManyOptions, RunOptions, RunOutcome, RunReceipt } from "./run-item.ts";
import { toWorkspaceId } from "./workspace-id.ts";
import type { WorkflowClass } from "./workflow.ts";
import type { WorkspaceClass } from "./workspace.ts";

/** An item that has been found right, as far as that can be told without the server. */
interface Prepared {
  readonly start: StartItem;
  readonly workspace: string;
  readonly userId: string;
}

/** Starts runs from anywhere in an application. */
export class RunService {
  readonly #runtime: MillraceRuntime;
  readonly #log = new Logger("Millrace");

  constructor(runtime: MillraceRuntime) {
    this.#runtime = runtime;
  }

  /**
   * Resolves when the run is durable; it moves after that. Rejects before anything is stored.
   *
   * @param workflow the class, its name, or the name it gave itself; else what a worker elsewhere offers
   * @param workspace the class or its name
   * @param payload what `run` of the workflow gets; anything that JSON can say. Default: `{}`
   * @param userId whose run it is, in your own words; 1 to 255 characters
   * @throws {MillraceException} workflow.not-found, input.invalid, request.invalid, server.unreachable, …
   */
  async run(
    workflow: string | WorkflowClass,
    workspace: string | WorkspaceClass,
    payload: unknown,
    userId: string,
    options: RunOptions = {},
  ): Promise<RunReceipt> {
    const [outcome] = await this.runMany([{ workflow, workspace, payload, userId, options }]);
    if (outcome === undefined) throw new Error("a start has no outcome");
    if (outcome.outcome === "rejected") throw outcome.error;
    return outcome;
  }

  /**
   * Up to 10,000 in one call; one outcome an item, in order. One that is rejected does not keep others back.
   *
   * @throws {MillraceException} what concerns them all: server.unreachable, request.too-large, …
   */
  async runMany(
    items: readonly RunItem[],
    { idempotencyKey }: RunManyOptions = {},
  ): Promise<readonly RunOutcome[]> {
    try {
      // Before anything is waited for: the caller may go on with what it has given.
      const given = items.map((item, index) => ({
        ...withKey(item, index, idempotencyKey),
        input: readPayload(item),
      }));
      const registry = await this.#runtime.ready();
      const checkUser = this.#createUserCheck();
      const prepared = await Promise.all(
        given.map((item) => prepare(registry, item, checkUser).catch(toFault)),
      );
      return await this.#start(registry, prepared);
    } catch (error) {
      throw this.#toException(error);
    }
  }

  async #start(
    registry: Registry,
    prepared: readonly (Prepared | MillraceError)[],
  ): Promise<readonly RunOutcome[]> {
    const good = prepared.filter((one): one is Prepared => !MillraceError.is(one));
    if (good.some(({ start }) => typeof start.workflow !== "string")) {
      await this.#runtime.announced();
    }
    const outcomes =
      good.length === 0 ? [] : await this.#runtime.client.startMany(good.map(({ start }) => start));
    let next = 0;
    return prepared.map((one) => {
      if (MillraceError.is(one)) return this.#toRejected(one);
      const outcome = outcomes[next++];
      if (outcome === undefined) throw new Error("a start has no outcome");
      if (outcome.kind !== "rejected") return this.#toReceipt(one, outcome);
      const { workflow } = one.start;
      const isUnknown = outcome.error.code === "workflow.not-found" && typeof workflow === "string";
      return this.#toRejected(isUnknown ? registry.toNotFound(workflow) : outcome.error);
    });
  }

  #toReceipt(
    { workspace, userId }: Prepared,
    outcome: Exclude<StartOutcome, { readonly kind: "rejected" }>,
  ): RunReceipt {
    const { id } = outcome.run;
    return {
      runId: id,
      workflowId: id,
      pipelineId: id,
      workspaceId: toWorkspaceId(workspace, userId),
      workerId: this.#runtime.workerId,
      outcome: outcome.kind,
    };
  }

  #toRejected(error: MillraceError): RunOutcome {
    const exception = new MillraceException(error);
    this.#logFault(exception);
    return { outcome: "rejected", error: exception };
  }

  #toException(error: unknown): unknown {
    const exception = toException(error);
    if (exception instanceof MillraceException) this.#logFault(exception);
    return exception;
  }

  /** Nest does not log what it can answer, and these are for whoever runs the application. */
  #logFault(exception: MillraceException): void {
    if (exception.getStatus() >= 500) {
      this.#log.error(`${exception.code}: ${exception.message}`);
    }
  }

  /** Asks for each user once. */
  #createUserCheck(): CheckUser {
    const { isUser } = this.#runtime.options;
    const asked = new Map<string, Promise<void>>();
    const ask = async (userId: string): Promise<void> => {
      const problem = checkName(userId);
      if (problem !== undefined) throw invalidArgument("userId", `\`userId\`: ${problem}`);
      if (isUser === undefined || (await isUser(userId))) return;
      throw invalidArgument("userId", `There is no user "${userId}"`);
    };
    return (userId) => {
      if (userId === undefined || userId === null || userId === "") {
        return Promise.reject(invalidArgument("userId", "userId is required"));
      }
      const check = asked.get(userId) ?? ask(userId);
      asked.set(userId, check);
      return check;
    };
  }
}

/** Callers without types give anything. */
type CheckUser = (userId: string | null | undefined) => Promise<void>;

/** With its payload as it was at the call, or what is wrong with that. */
interface GivenItem extends RunItem {
  readonly input: { readonly value: JsonValue } | MillraceError;
}

async function prepare(
  registry: Registry,
  item: GivenItem,
  checkUser: CheckUser,
): Promise<Prepared> {
  const { input, userId, options = {} } = item;
  const workflow = findWorkflow(registry, item.workflow);
  checkNaming("workspace", item.workspace);
  const workspace = registry.findWorkspace(item.workspace);
  await checkUser(userId);
  const { workspaceTitle, ...rest } = options;
  const { metadata } = options;
  const title = workspaceTitle === undefined ? {} : { metadata: { ...metadata, workspaceTitle } };
  const start: StartOptions = { ...rest, ...title, workspace, userId };
  if (MillraceError.is(input)) throw input;
  return { start: { workflow, input: input.value, options: start }, workspace, userId };
}

function readPayload({ payload }: RunItem): GivenItem["input"] {
  try {
    return { value: toPayload(payload) };
  } catch (error) {
    return toFault(error);
  }
}

function findWorkflow(registry: Registry, wanted: string | WorkflowClass): WorkflowRef | string {
  checkNaming("workflow", wanted);
  const found = registry.findWorkflow(wanted);
  if (found !== null) return found;
  if (typeof wanted === "string") return wanted;
  throw registry.toNotFound(wanted.name);
}

/** Callers without types give anything. */
function checkNaming(what: string, wanted: unknown): void {
  if (typeof wanted === "string" || typeof wanted === "function") return;
  const message = `The ${what} must be a name or a class, received ${typeName(wanted)}`;
  throw invalidArgument(`${what}Name`, message);
}

function withKey(item: RunItem, index: number, toKey: RunManyOptions["idempotencyKey"]): RunItem {
  if (toKey === undefined || item.options?.idempotencyKey !== undefined) return item;
  return { ...item, options: { ...item.options, idempotencyKey: toKey(item, index) } };
}

function toFault(error: unknown): MillraceError {
  if (MillraceError.is(error)) return error;
  throw error;
}
