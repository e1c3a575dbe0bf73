// The workflow and workspace classes of an application, by the names under which runs are started.
//
//   N1. A name of its own wins over the name of a class.
//   N2. Two classes never share a name, but for versions of one workflow that both say their name and their version.
//   N3. A class's name finds its class also where it has a name of its own; if it fits several (a minified build calls
//       them all `t`), it finds none of them, and the caller is told.
import {
  checkName,
  MillraceError,
  nearName,
  type StandardSchema,
  type WorkflowRef,
} from "@millrace/protocol";
import { implement, type AnyWorkflow, type WorkflowContract } from "@millrace/sdk";
import type { AnyClass } from "./mark.ts";
import type { WorkflowBody, WorkflowOptions } from "./workflow.ts";
import type { WorkspaceOptions } from "./workspace.ts";

/** A class that has been found, before it is looked at. */
interface FoundClass {
  /** The class. */
  readonly target: AnyClass;
  /** Name of the module that provides it; for error messages. */
  readonly module: string;
}

export interface FoundWorkflow extends FoundClass {
  readonly options: WorkflowOptions;
  readonly body: WorkflowBody;
}

export interface FoundWorkspace extends FoundClass {
  readonly options: WorkspaceOptions;
}

export class Registry {
  /** What a worker executes. */
  readonly workflows: readonly AnyWorkflow[];
  readonly #workflows: NameTable<WorkflowRef>;
  readonly #workspaces: NameTable<{ readonly name: string }>;

  /** @throws {MillraceError} option.invalid: two share a name, or one cannot be a name */
  constructor(workflows: readonly FoundWorkflow[], workspaces: readonly FoundWorkspace[]) {
    const made = workflows.map((found) => ({ ...found, entry: toWorkflow(found) }));
    this.workflows = made.map(({ entry }) => entry);
    this.#workflows = new NameTable("workflow", made);
    this.#workspaces = new NameTable(
      "workspace",
      workspaces.map((found) => ({ ...found, entry: { name: toName("workspace", found) } })),
    );
  }

  /**
   * @returns null: this application has no such class; a worker elsewhere or the server may know the name
   * @throws {MillraceError} request.invalid: several classes have the name
   */
  findWorkflow(wanted: string | AnyClass): WorkflowRef | null {
    const found = this.#workflows.find(wanted);
    // Which of its versions a run gets, and so which schema counts, is the engine's to say.
    return found !== null && this.#workflows.hasTwins(found.name) ? { name: found.name } : found;
  }

  /** For what nobody knows. */
  toNotFound(name: string): MillraceError {
    return workflowNotFound(name, this.#workflows.names);
  }

  /** @throws {MillraceError} request.invalid */
  findWorkspace(wanted: string | AnyClass): string {
    const found = this.#workspaces.find(wanted);
    if (found !== null) return found.name;
    const name = typeof wanted === "string" ? wanted : wanted.name;
    const what = `There is no workspace "${name}": the class must be registered as a provider with @Workspace(), or stand in the module's \`workspaces\``;
    throw invalidArgument("workspaceName", withNear(what, name, this.#workspaces.names));
  }
}

interface Named<Entry> extends FoundClass {
  readonly options: { readonly name?: string; readonly version?: string };
  readonly entry: Entry;
}

class NameTable<Entry extends { readonly name: string }> {
  readonly #what: string;
  readonly #byName = new Map<string, Named<Entry>[]>();
  readonly #byClassName = new Map<string, Named<Entry>[]>();
  readonly #byClass = new Map<AnyClass, Named<Entry>>();

  constructor(what: string, all: readonly Named<Entry>[]) {
    this.#what = what;
    for (const one of all) {
      const others = this.#byName.get(one.entry.name) ?? [];
      for (const other of others) refuseTwins(what, other, one);
      this.#byName.set(one.entry.name, [...others, one]);
      this.#byClass.set(one.target, one);
      const { name } = one.target;
      // A class without a name is found by its own name only.
      if (name === "") continue;
      this.#byClassName.set(name, [...(this.#byClassName.get(name) ?? []), one]);
    }
  }

  get names(): readonly string[] {
    return [...new Set([...this.#byName.keys(), ...this.#byClassName.keys()])];
  }

  /** N2. */
  hasTwins(name: string): boolean {
    return (this.#byName.get(name) ?? []).length > 1;
  }

  /** @throws {MillraceError} request.invalid: several classes have the name */
  find(wanted: string | AnyClass): Entry | null {
    if (typeof wanted !== "string") return this.#byClass.get(wanted)?.entry ?? null;
    const [named] = this.#byName.get(wanted) ?? [];
    if (named !== undefined) return named.entry;
    const [first, ...others] = this.#byClassName.get(wanted) ?? [];
    if (first === undefined) return null;
    if (others.length === 0) return first.entry;
    const names = [first, ...others].map(({ entry }) => `"${entry.name}"`).join(", ");
    const message = `${1 + others.length} ${this.#what} classes are called "${wanted}", as a minified build does it. Give the class itself, or one of their own names: ${names}`;
    throw invalidArgument(`${this.#what}Name`, message);
  }
}

/** N2. */
function refuseTwins<E extends { readonly name: string }>(
  what: string,
  a: Named<E>,
  b: Named<E>,
): void {
  const areVersions =
    a.options.name !== undefined &&
    b.options.name !== undefined &&
    (a.options.version ?? "1") !== (b.options.version ?? "1");
  if (what === "workflow" && areVersions) return;
  const decorator = what === "workflow" ? "@Workflow" : "@Workspace";
  throw new MillraceError(
    "option.invalid",
    `Two ${what} classes have the name "${a.entry.name}": ${describe(a)}, and ${describe(b)}. Give one of them a name of its own: ${decorator}("name")`,
  );
}

const describe = ({ target, module }: FoundClass): string => `${target.name} in ${module}`;

function toWorkflow(found: FoundWorkflow): AnyWorkflow {
  const { body } = found;
  if (typeof body?.run !== "function") {
    throw new MillraceError("option.invalid", `${describe(found)} is a workflow without \`run\``);
  }
  const { name: _, input, output, ...options } = found.options;
  const contract: WorkflowContract<never, unknown, never, unknown> = {
    name: toName("workflow", found),
    // What it makes of an input is what `run` declares; a decorator cannot compare the two.
    input: input as StandardSchema<never> | undefined,
    output,
  };
  return implement(contract, options, (ctx, args) => body.run(ctx, args));
}

function toName(
  what: string,
  found: FoundClass & { readonly options: { readonly name?: string } },
): string {
  const name = found.options.name ?? found.target.name;
  const problem = checkName(name);
  if (problem === undefined) return name;
  const message = `The name of the ${what} ${describe(found)}: ${problem}`;
  throw new MillraceError("option.invalid", message);
}

function workflowNotFound(name: string, names: readonly string[]): MillraceError {
  const what = `Workflow "${name}" is not found: its class must be registered as a provider with @Workflow(), or a worker elsewhere must offer it`;
  return new MillraceError("workflow.not-found", withNear(what, name, names));
}

function withNear(what: string, name: string, names: readonly string[]): string {
  const near = nearName(name, names);
  return near === undefined || near === name ? `${what}.` : `${what}. Did you mean "${near}"?`;
}

/** A mistake in what a service was called with. */
export const invalidArgument = (field: string, message: string): MillraceError =>
  new MillraceError("request.invalid", message, { issues: [{ path: [field], message }] });
