// What is done when a run fails or is cancelled: rollbacks, the last first, then `onFailure`. All of it as steps.
import { boundFailure, type Failure, type JsonValue, type Outcome } from "@millrace/protocol";
import type { StepPolicy } from "./step-policy.ts";
import type { StepBody } from "./workflow-context.ts";

export interface CompensationStep {
  readonly name: string;
  readonly body: StepBody;
  readonly policy: StepPolicy;
}

export interface CompensationPorts {
  /** Never resolves if the run is stopped meanwhile. */
  readonly step: (step: CompensationStep) => Promise<Outcome>;
  readonly logError: (message: string, fields: Readonly<Record<string, string>>) => void;
  /** null: there is none, or it has nothing to be called with. */
  readonly onFailure: (failure: Failure) => CompensationStep | null;
}

export class Compensation {
  readonly #open: CompensationStep[] = [];

  add(step: CompensationStep): void {
    this.#open.push(step);
  }

  /**
   * Called again after a stop, it goes on with what had not ended.
   *
   * @returns the outcome as it came; a failure names the rollbacks that failed
   */
  async run(outcome: Outcome, ports: CompensationPorts): Promise<Outcome> {
    const failed: FailedStep[] = [];
    for (let next = this.#open.at(-1); next !== undefined; next = this.#open.at(-1)) {
      await this.#perform(next, ports, failed);
      this.#open.pop();
    }
    const last = outcome.status === "failed" ? ports.onFailure(outcome.failure) : null;
    if (last !== null) await this.#perform(last, ports, failed);
    if (outcome.status !== "failed" || failed.length === 0) return outcome;
    return { status: "failed", failure: withFailed(outcome.failure, failed) };
  }

  async #perform(
    step: CompensationStep,
    ports: CompensationPorts,
    failed: FailedStep[],
  ): Promise<void> {
    const outcome = await ports.step(step);
    if (outcome.status !== "failed") return;
    const { code, message } = outcome.failure;
    failed.push({ step: step.name, code, message });
    ports.logError(`${step.name} failed for good`, { step: step.name, code, message });
  }
}

type FailedStep = { readonly step: string; readonly code: string; readonly message: string };

function withFailed(failure: Failure, failed: readonly FailedStep[]): Failure {
  const { details } = failure;
  const own: Readonly<Record<string, JsonValue>> =
    details === undefined ? {} : isObject(details) ? details : { details };
  return boundFailure({ ...failure, details: { ...own, compensationFailures: failed } });
}

const isObject = (value: JsonValue): value is { readonly [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
