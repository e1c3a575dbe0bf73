/** Everything that a simulation leaves to chance comes from here, so that a seed is a whole story. */
export interface Random {
  /** 32 bits. */
  next(): number;
  /** 0 ≤ n < 1. */
  fraction(): number;
  /** `from` ≤ n ≤ `to`. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** An independent stream, so that one part's draws do not shift another's. */
  fork(): Random;
}

/** sfc32 (Chris Doty-Humphrey's Small Fast Counter): 128 bits of state, passes PractRand. */
export function createRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = Math.imul(seed, 0x9e3779b9) >>> 0;
  let c = 0x243f6a88;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) >>> 0) + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum;
  };
  // The first draws still show the seed.
  for (let i = 0; i < 15; i++) next();
  const random: Random = {
    next,
    fraction: () => next() / 2 ** 32,
    between: (from, to) => from + Math.floor((next() / 2 ** 32) * (to - from + 1)),
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: (from) => from[next() % from.length] ?? from[0],
    fork: () => createRandom(next()),
  };
  return random;
}
