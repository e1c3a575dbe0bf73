// Functions and actions that a definition names and nobody here knows: accepted, since they may come, but said.
import type {
  Definition,
  Issue,
  StepDefinition,
  StoredFunction,
  TenantId,
} from "@millrace/protocol";
import { hintAt } from "./callables.ts";

export interface KnownNames {
  /** Registered in this process. */
  readonly functions: ReadonlySet<string>;
  readonly actions: ReadonlySet<string>;
  readonly findStored: (tenant: TenantId, name: string) => Promise<StoredFunction | null>;
  /** By workers, here or elsewhere. */
  readonly isOffered: (tenant: TenantId, name: string) => Promise<boolean>;
}

/** A name that a step calls by. */
interface NamedCall {
  readonly table: "function" | "action";
  readonly name: string;
  readonly path: Issue["path"];
}

/** A definition that names more unknown functions than these is told of the first. */
const MOST_LOOKED_UP = 500;
const MOST_WARNINGS = 200;

export async function warnOfUnknownNames(
  tenant: TenantId,
  { steps }: Definition,
  known: KnownNames,
): Promise<readonly Issue[]> {
  const unknown = steps
    .flatMap(toCall)
    .filter(
      ({ table, name }) => !(table === "function" ? known.functions : known.actions).has(name),
    );
  const elsewhere = await findElsewhere(tenant, unknown, known);
  return unknown
    .filter(({ table, name }) => table === "action" || !elsewhere.has(name))
    .slice(0, MOST_WARNINGS)
    .map((call) => toWarning(call, known));
}

/** Functions that are stored, or that workers offer. */
async function findElsewhere(
  tenant: TenantId,
  calls: readonly NamedCall[],
  { findStored, isOffered }: KnownNames,
): Promise<ReadonlySet<string>> {
  const names = new Set(calls.flatMap(({ table, name }) => (table === "function" ? [name] : [])));
  const found = await Promise.all(
    [...names].slice(0, MOST_LOOKED_UP).map(async (name) => {
      const isKnown = (await findStored(tenant, name)) !== null || (await isOffered(tenant, name));
      return isKnown ? [name] : [];
    }),
  );
  return new Set(found.flat());
}

function toCall(step: StepDefinition, index: number): readonly NamedCall[] {
  const call = (
    table: NamedCall["table"],
    name: unknown,
    ...field: string[]
  ): readonly NamedCall[] =>
    typeof name === "string" ? [{ table, name, path: ["steps", index, ...field] }] : [];
  const { type, action, config } = step;
  switch (type) {
    case "function":
      return call("function", nameOfFunction(step), "function");
    case "action":
      return action === undefined
        ? call("action", config?.["action"], "config", "action")
        : call("action", action, "action");
    case "email":
      return call("action", "email.send", "type");
    case "http":
      return call("action", "http.request", "type");
    default:
      return [];
  }
}

/** Its name, or an object with its `id`. */
const nameOfFunction = ({ function: fn }: StepDefinition): unknown =>
  typeof fn === "object" ? fn["id"] : fn;

function toWarning({ table, name, path }: NamedCall, known: KnownNames): Issue {
  const fails = "the step fails when a run comes to it";
  if (table === "action") {
    const message = `Action "${name}" is not known on this server; ${fails}`;
    return { path, message, hint: hintAt(name, [...known.actions]) };
  }
  const message = `Function "${name}" is neither registered nor stored on this server; ${fails}`;
  const hint = known.functions.size === 0 ? HOW_TO_ADD : hintAt(name, [...known.functions]);
  return { path, message, hint };
}

const HOW_TO_ADD =
  "start the server with --functions, or store one with PUT /api/v1/functions/<name>";
