// Tells workflows from whatever else a module exports. The user's copy of the SDK may be another than ours, so it
// looks at their shape.
import type { CodeHostOptions } from "@millrace/sdk";

/** With its code. */
export type CodeWorkflow = CodeHostOptions["workflows"][number];

/** What `workflow(…)` and `implement(…)` return. */
export const isWorkflow = (value: unknown): value is CodeWorkflow =>
  isContract(value) &&
  typeof Reflect.get(value, "fn") === "function" &&
  typeof versionOf(value) === "string";

/** What `defineWorkflow(…)` returns, and every workflow. */
export const isContract = (value: unknown): value is { readonly name: string } =>
  typeof value === "object" &&
  value !== null &&
  "name" in value &&
  typeof value.name === "string" &&
  "input" in value &&
  "output" in value;

function versionOf(contract: object): unknown {
  const settings: unknown = Reflect.get(contract, "settings");
  return typeof settings === "object" && settings !== null
    ? Reflect.get(settings, "version")
    : undefined;
}
