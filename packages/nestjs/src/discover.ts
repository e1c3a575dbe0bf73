import { MillraceError } from "@millrace/protocol";
import type { ModulesContainer } from "@nestjs/core";
import type { AnyClass } from "./mark.ts";
import { Registry, type FoundWorkflow, type FoundWorkspace } from "./registry.ts";
import { readWorkflowOptions, type WorkflowBody } from "./workflow.ts";
import { readWorkspaceOptions, type WorkspaceClass } from "./workspace.ts";

type Module = ModulesContainer extends Map<string, infer M> ? M : never;
type Wrapper = Module["providers"] extends Map<unknown, infer W> ? W : never;

/**
 * The classes that carry our decorators, wherever in the application they are provided.
 *
 * @param listed workspaces that need be neither decorated nor provided
 * @throws {MillraceError} option.invalid: what cannot be a workflow, or two of one name
 */
export function discover(modules: ModulesContainer, listed: readonly WorkspaceClass[]): Registry {
  const workflows = new Map<AnyClass, FoundWorkflow>();
  const workspaces = new Map<AnyClass, FoundWorkspace>(
    listed.map((target) => {
      const options = readWorkspaceOptions(target) ?? {};
      return [target, { target, module: "the module's `workspaces`", options }];
    }),
  );
  for (const module of modules.values()) {
    for (const wrapper of module.providers.values()) {
      const found = findWorkflow(wrapper, module.name);
      // Whoever provides one class twice gets its first instance.
      if (found !== null && !workflows.has(found.target)) workflows.set(found.target, found);
      const workspace = findWorkspace(wrapper, module.name);
      if (workspace !== null && !workspaces.has(workspace.target)) {
        workspaces.set(workspace.target, workspace);
      }
    }
  }
  return new Registry([...workflows.values()], [...workspaces.values()]);
}

function findWorkflow(wrapper: Wrapper, module: string): FoundWorkflow | null {
  for (const target of classesOf(wrapper)) {
    const options = readWorkflowOptions(target);
    if (options === undefined) continue;
    return { target, module, options, body: toBody(wrapper, target, module) };
  }
  return null;
}

function findWorkspace(wrapper: Wrapper, module: string): FoundWorkspace | null {
  for (const target of classesOf(wrapper)) {
    const options = readWorkspaceOptions(target);
    if (options !== undefined) return { target, module, options };
  }
  return null;
}

/** The token counts first: what a test puts in a class's place stands under its name. */
function classesOf({ token, metatype, instance }: Wrapper): readonly AnyClass[] {
  const made: unknown = instance;
  const maker: unknown = typeof made === "object" && made !== null ? made.constructor : undefined;
  // Only classes carry our decorators, and what does not is left out.
  return [token, metatype, maker].filter((it): it is AnyClass => typeof it === "function");
}

function toBody(wrapper: Wrapper, target: AnyClass, module: string): WorkflowBody {
  if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
    throw new MillraceError(
      "option.invalid",
      `The workflow ${target.name} in ${module} is request-scoped or transient, itself or by what it injects. A run has no request and outlives it: make the class a singleton, and read the user from \`ctx.userId\``,
    );
  }
  // A value needs no making; of anything else Nest notes how long that took.
  if (wrapper.metatype !== null && wrapper.initTime === undefined) {
    throw new Error("Nest is making the application's providers still; start runs after that");
  }
  // It carries our decorator, or stands in for what does; the registry looks for `run`.
  return wrapper.instance as WorkflowBody;
}
