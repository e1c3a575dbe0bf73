import { Injectable } from "@nestjs/common";
import type { ImplementOptions, StandardSchema, WorkflowContext } from "@millrace/sdk";
import { createMark } from "./mark.ts";

/** A class whose `run` is the body of a code workflow. Nest makes it, with what its constructor asks for. */
export type WorkflowClass = abstract new (...args: never[]) => WorkflowBody;

/** `never`: each class declares the input that its schema gives. */
export interface WorkflowBody {
  run(ctx: WorkflowContext, args: never): unknown;
}

/** What `workflow()` of the SDK takes. `never`: its functions take the input of their own workflow. */
export interface WorkflowOptions extends ImplementOptions<never, never> {
  /** What runs are started by. Default: the class's name. */
  readonly name?: string;
  /** Checks what a run is started with, before anything is stored; defaults that it fills in reach `run`. */
  readonly input?: StandardSchema;
  readonly output?: StandardSchema;
}

const mark = createMark<WorkflowOptions>("millrace.nestjs.workflow");

/**
 * Marks a provider as a workflow. The module finds it wherever in the application it is provided.
 *
 * ```ts
 * import { Workflow, type WorkflowContext } from "@millrace/nestjs";
 *
 * class Greet {
 *   async run(ctx: WorkflowContext, { name }: { name: string }) {
 *     return ctx.run("compose", () => `Hello, ${name}`);
 *   }
 * }
 * Workflow("greet")(Greet); // or, above the class: @Workflow("greet")
 * ```
 */
export function Workflow(
  nameOrOptions: string | WorkflowOptions = {},
): (target: WorkflowClass) => void {
  const options = typeof nameOrOptions === "string" ? { name: nameOrOptions } : nameOrOptions;
  return (target) => {
    Injectable()(target);
    mark.put(target, options);
  };
}

/** @returns undefined: the class is no workflow, though one that it extends may be */
export const readWorkflowOptions = (target: unknown): WorkflowOptions | undefined =>
  mark.read(target);
