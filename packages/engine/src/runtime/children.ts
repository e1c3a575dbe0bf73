import {
  after,
  asJsonText,
  deriveRunId,
  MillraceError,
  shardOf,
  type FailureSource,
  type JsonText,
  type Timestamp,
} from "@millrace/protocol";
import type { RunHead } from "../core/run-head.ts";
import type { Clock } from "./clock.ts";
import type { PreparedChild } from "./effects.ts";
import { engineFailure } from "./failures.ts";
import { untilAnswered } from "./until-answered.ts";
import type { Workflows } from "./workflows.ts";

/** Deepest nesting of runs inside runs: a workflow that starts itself ends with an error, not with a full disk. */
const MAX_DEPTH = 64;

type Refuse = (code: string, message: string, source?: FailureSource) => PreparedChild;

/** Finds the child's workflow and fixes its version, so that delivering the start decides nothing any more. */
export class Children {
  readonly #workflows: Workflows;
  readonly #clock: Clock;
  readonly #now: () => Timestamp;

  constructor(workflows: Workflows, clock: Clock, now: () => Timestamp) {
    this.#workflows = workflows;
    this.#clock = clock;
    this.#now = now;
  }

  /** Never rejects: what cannot be started is a failure of the step. */
  async prepare(
    parent: RunHead,
    key: string,
    workflow: string,
    input: JsonText,
    wanted: () => boolean,
  ): Promise<PreparedChild> {
    const refuse: Refuse = (code, message, source = "definition") => ({
      ok: false,
      failure: engineFailure(code, `Step ${key} ${message}`, source, { step: key, attempt: 1 }),
    });
    try {
      return await this.#prepare(parent, key, workflow, input, wanted, refuse);
    } catch (error) {
      // The store answers, but not with a workflow: it has failed, or its catalog is damaged.
      const code = MillraceError.is(error) ? error.code : "internal.error";
      const reason = error instanceof Error ? error.message : String(error);
      return refuse(code, `cannot look up workflow "${workflow}": ${reason}`, "infrastructure");
    }
  }

  async #prepare(
    parent: RunHead,
    key: string,
    workflow: string,
    input: JsonText,
    wanted: () => boolean,
    refuse: Refuse,
  ): Promise<PreparedChild> {
    const depth = parent.depth + 1;
    if (depth > MAX_DEPTH)
      return refuse("child.too-deep", `would nest runs ${depth} deep; the limit is ${MAX_DEPTH}`);
    const head = await this.#ask(wanted, () => this.#workflows.reload(parent.tenant, workflow));
    if (head === null)
      return refuse("workflow.not-found", `starts workflow "${workflow}", which does not exist`);
    if (head.status !== "active") {
      return refuse(
        "workflow.not-active",
        `starts workflow "${workflow}", which is ${head.status}, not active`,
      );
    }
    const compiled = await this.#ask(wanted, () =>
      this.#workflows.version(parent.tenant, head.id, head.version),
    );
    if (compiled === null) {
      return refuse(
        "workflow.not-found",
        `starts workflow "${workflow}", whose version ${head.version} is missing`,
      );
    }
    const at = this.#now();
    const id = deriveRunId(at, parent.id, key);
    const deadlineAt = compiled.timeoutMs === null ? null : after(at, compiled.timeoutMs);
    return {
      ok: true,
      child: {
        ...parent,
        id,
        shard: shardOf(id),
        workflowId: head.id,
        workflowVersion: head.version,
        trigger: "subworkflow",
        input,
        metadata: asJsonText("{}"),
        parent: { runId: parent.id, step: key },
        depth,
        createdAt: at,
        deadlineAt,
      },
    };
  }

  async #ask<T>(wanted: () => boolean, question: () => Promise<T | null>): Promise<T | null> {
    const answered = await untilAnswered(this.#clock, wanted, question);
    return answered?.answer ?? null;
  }
}
