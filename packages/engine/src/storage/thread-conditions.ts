/**
 * Of this process' flags those that a thread needs to find the same files: the `source` condition.
 * Others may not suit a thread: with `--input-type`, which a script by `-e` has, it would not
 * start.
 */
export function toConditions(flags: readonly string[]): string[] {
  return flags.filter((flag, i) => {
    const isValue = i > 0 && CONDITION.test(flags[i - 1] ?? "");
    return isValue || CONDITION.test(flag) || CONDITION_AND_VALUE.test(flag);
  });
}

const CONDITION = /^(-C|--conditions)$/;
const CONDITION_AND_VALUE = /^(-C|--conditions)=/;
