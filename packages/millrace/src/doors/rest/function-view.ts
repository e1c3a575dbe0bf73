import {
  toIso,
  type FunctionTarget,
  type JsonValue,
  type StoredFunction,
} from "@millrace/protocol";

/** A stored function as REST v1 shows it: values of headers never. */
export interface FunctionView {
  readonly name: string;
  readonly description?: string;
  readonly target: FunctionTarget;
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** @param fn as the engine gives it out, with its secrets hidden */
export const toFunctionView = (fn: StoredFunction): FunctionView => ({
  ...fn,
  createdAt: toIso(fn.createdAt),
  updatedAt: toIso(fn.updatedAt),
});
