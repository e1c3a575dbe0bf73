/**
 * What stands in a list at an index that is known to be one of it.
 *
 * @throws {Error} it is not, which is a mistake of ours
 */
export function elementAt<T>(list: readonly (T | undefined)[], index: number): T {
  const element = list[index];
  if (element !== undefined) return element;
  throw new Error(`Invariant broken: a list of ${list.length} has nothing at ${index}`);
}
