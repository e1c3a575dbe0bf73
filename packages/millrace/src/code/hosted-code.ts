// The code that a server brings along, wherever it is executed.
import type { Engine, StepFunctions } from "@millrace/engine";
import { DEFAULT_TENANT, MillraceError } from "@millrace/protocol";
import { toText, type Origin } from "./load-code.ts";

export interface HostedCode extends AsyncDisposable {
  /** To be registered with the engine; what is executed elsewhere is not among them. */
  readonly functions: StepFunctions;
  readonly summary: CodeSummary;
  /**
   * Offers all of it to an engine that has started. May be repeated when the store did not answer.
   *
   * @throws {MillraceError} workflow.exists
   */
  attach(engine: Engine): Promise<void>;
  /** After the engine's end. Resolves when nothing of it runs. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface CodeSummary {
  readonly functionCount: number;
  readonly workflowCount: number;
  /** Child processes; 0: all runs in the server's process. */
  readonly processCount: number;
}

/** A workflow as it will be announced. */
export interface Announcement {
  readonly name: string;
  readonly origin: Origin;
}

/** @throws {MillraceError} workflow.exists, with the file and the export */
export async function refuseTakenNames(
  engine: Engine,
  announcements: readonly Announcement[],
): Promise<void> {
  for (const { name, origin } of announcements) {
    const known = await engine.getWorkflow(DEFAULT_TENANT, name);
    if (known === null || known.kind === "code") continue;
    const message = `The name "${name}" of ${toText(origin)} belongs to a JSON workflow (${known.id}); give the code workflow another one.`;
    throw new MillraceError("workflow.exists", message);
  }
}
