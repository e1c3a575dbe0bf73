import {
  after,
  deriveRunId,
  MillraceError,
  shardOf,
  type Failure,
  type FailureSource,
  type Issue,
  type JsonText,
  type Limits,
  type Timestamp,
} from "@millrace/protocol";
import type { Clock } from "./clock.ts";
import type { ChildRequest, PreparedChild } from "./effects.ts";
import { engineFailure } from "./failures.ts";
import { inputTooLarge, logStripped, summarize, toDetails } from "./input-check.ts";
import type { Log } from "./log.ts";
import type { CheckedInput, CompiledWorkflow } from "./program-kind.ts";
import { untilAnswered } from "./until-answered.ts";
import type { Workflows } from "./workflows.ts";

/** Deepest nesting of runs inside runs: a workflow that starts itself ends with an error, not with a full disk. */
const MAX_DEPTH = 64;

type Refused = Extract<PreparedChild, { ok: false }>;
type Refuse = (code: string, message: string, more?: Blame) => Refused;
interface Blame {
  /** Default: `definition`. */
  readonly source?: FailureSource;
  readonly issues?: readonly Issue[];
}

export interface ChildrenOptions {
  readonly workflows: Workflows;
  readonly clock: Clock;
  readonly now: () => Timestamp;
  readonly limits: Pick<Limits, "payloadBytes">;
  readonly log: Log;
}

/** Finds the child's workflow and fixes its version, so that delivering the start decides nothing any more. */
export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** Never rejects: what cannot be started is a failure of the step. */
  async prepare(request: ChildRequest, wanted: () => boolean): Promise<PreparedChild> {
    const { key, workflow } = request;
    const refuse: Refuse = (code, message, blame = {}) => ({
      ok: false,
      failure: toFailure(key, code, message, blame),
    });
    try {
      return await this.#prepare(request, wanted, refuse);
    } catch (error) {
      // The store answers, but not with a workflow: it has failed, or its catalog is damaged.
      const code = MillraceError.is(error) ? error.code : "internal.error";
      const reason = error instanceof Error ? error.message : String(error);
      return refuse(code, `cannot look up workflow "${workflow}": ${reason}`, {
        source: "infrastructure",
      });
    }
  }

  async #prepare(
    { parent, key, workflow, input, metadata }: ChildRequest,
    wanted: () => boolean,
    refuse: Refuse,
  ): Promise<PreparedChild> {
    const depth = parent.depth + 1;
    if (depth > MAX_DEPTH)
      return refuse("child.too-deep", `would nest runs ${depth} deep; the limit is ${MAX_DEPTH}`);
    const { workflows, now, log } = this.#options;
    const head = await this.#ask(wanted, () => workflows.reload(parent.tenant, workflow));
    if (head === null)
      return refuse("workflow.not-found", `starts workflow "${workflow}", which does not exist`);
    if (head.status !== "active") {
      return refuse(
        "workflow.not-active",
        `starts workflow "${workflow}", which is ${head.status}, not active`,
      );
    }
    const compiled = await this.#ask(wanted, () =>
      workflows.version(parent.tenant, head.id, head.version),
    );
    if (compiled === null) {
      return refuse(
        "workflow.not-found",
        `starts workflow "${workflow}", whose version ${head.version} is missing`,
      );
    }
    const checked = this.#checkInput(workflow, input, compiled, refuse);
    if ("failure" in checked) return checked;
    const at = now();
    const id = deriveRunId(at, parent.id, key);
    logStripped(log, id, checked.stripped);
    const deadlineAt = compiled.timeoutMs === null ? null : after(at, compiled.timeoutMs);
    return {
      ok: true,
      child: {
        ...parent,
        id,
        shard: shardOf(id),
        workflowId: head.id,
        workflowVersion: head.version,
        name: null,
        trigger: "subworkflow",
        input: checked.input,
        metadata,
        parent: { runId: parent.id, step: key },
        retryOf: null,
        depth,
        createdAt: at,
        deadlineAt,
      },
    };
  }

  #checkInput(
    workflow: string,
    input: JsonText,
    compiled: CompiledWorkflow,
    refuse: Refuse,
  ): Extract<CheckedInput, { ok: true }> | Refused {
    const what = `starts workflow "${workflow}" with an input that it does not take`;
    const checked = compiled.checkInput(input);
    if (!checked.ok) {
      const { issues } = checked;
      return refuse("input.invalid", `${what}: ${summarize(issues)}`, { issues });
    }
    const problem = inputTooLarge(checked.input, this.#options.limits.payloadBytes);
    return problem === undefined ? checked : refuse("payload.too-large", `${what}: ${problem}`);
  }

  async #ask<T>(wanted: () => boolean, question: () => Promise<T | null>): Promise<T | null> {
    const answered = await untilAnswered(this.#options.clock, wanted, question);
    return answered?.answer ?? null;
  }
}

function toFailure(
  key: string,
  code: string,
  message: string,
  { source = "definition", issues }: Blame,
): Failure {
  const details = issues === undefined ? {} : { details: toDetails(issues) };
  return engineFailure(code, `Step ${key} ${message}`, source, {
    step: key,
    attempt: 1,
    ...details,
  });
}
