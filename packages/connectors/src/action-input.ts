// What all connectors do with the input of an action: take it apart, and say what is wrong with it.
import { ActionError, nearName, typeName, type JsonValue } from "@millrace/protocol";

export type JsonObject = { readonly [key: string]: JsonValue };

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The same input fails again, so it is not tried again. */
export const badInput = (action: string, problem: string): ActionError =>
  new ActionError("action.input-invalid", `${action}: ${problem}`, { source: "definition" });

/** @throws {ActionError} action.input-invalid */
export function readFields(action: string, input: JsonValue): JsonObject {
  if (isObject(input)) return input;
  throw badInput(action, `expected an object with fields, received ${typeName(input)}.`);
}

/** A field that nobody reads is a slip, and a slip that is ignored is found too late. */
export function unknownField(action: string, name: string, known: readonly string[]): ActionError {
  const near = nearName(name, known);
  const hint = near === undefined ? `There are ${known.join(", ")}.` : `Did you mean "${near}"?`;
  return badInput(action, `there is no field ${JSON.stringify(name.slice(0, 100))}. ${hint}`);
}

/** `customerId` → `customer_id`; other spellings stay as they are. */
export const toSnakeCase = (name: string): string =>
  /^[a-z][a-zA-Z0-9]*$/.test(name)
    ? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    : name;

export const toCamelCase = (name: string): string =>
  name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
