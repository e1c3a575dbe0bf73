/** Ends a switch over a union: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`A case is missing for ${JSON.stringify(value)}`);
}

/** States a fact that only a mistake of ours can make untrue. Never caught to continue. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}
