import type { StandardSchema } from "./standard-schema.ts";

/**
 * A workflow as whoever starts it names it: no code of the workflow is needed for that. What `defineWorkflow` and
 * `workflow` of the SDK give fits.
 */
export interface WorkflowRef<Input = unknown, Output = unknown> {
  /** Id, slug or announced name. */
  readonly name: string;
  /** Checks an input before it is sent. Absent: the server alone looks. */
  readonly input?: StandardSchema | undefined;
  /** What its author decided where the code is at hand. */
  readonly settings?: {
    /** The key of a start that brings none of its own. */
    readonly idempotencyKey?: ((input: never) => string) | null;
  };
  /** For the type checker alone: what a start takes and what a run gives. Never there at run time. */
  readonly "~types"?: { readonly input: Input; readonly output: Output } | undefined;
}
