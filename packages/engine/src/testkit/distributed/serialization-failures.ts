import { createRandom } from "../../simulation/random.ts";

/** What a distributed database answers when two transactions meet. */
class SerializationFailure extends Error {
  readonly code = "40001";
}

export interface SerializationFailures {
  /** Of the commits: 0 to 1. */
  share: number;
  /** How often a commit has failed so. */
  readonly count: number;
  /** For `failCommit`. */
  next(this: void): Error | undefined;
}

export function createSerializationFailures(share: number, seed: number): SerializationFailures {
  const random = createRandom(seed);
  let count = 0;
  const failures = {
    share,
    get count() {
      return count;
    },
    next: () => {
      if (!random.chance(failures.share)) return undefined;
      count += 1;
      return new SerializationFailure("restart transaction: a conflict by chance");
    },
  };
  return failures;
}
