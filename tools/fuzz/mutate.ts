// Small damage to texts and JSON that are right, so that most of what comes of it is nearly right.
import type { JsonValue } from "@millrace/protocol";
import type { Random } from "../../packages/engine/src/simulation/random.ts";

type List = readonly [string, ...string[]];

/** What trips parsers: marks of our languages, names of prototypes, numbers at the edge, text that is no text. */
const SCRAPS: List = [
  "{{",
  "}}",
  "|",
  "'",
  '"',
  "(",
  ")",
  "[",
  "]",
  "..",
  " | map: ",
  " | sum",
  " | times: 1e308",
  "constructor",
  "__proto__",
  "prototype",
  "input",
  "result.items[0]",
  "steps['a'].result",
  "?.",
  " && ",
  " === ",
  "!".repeat(40),
  "(".repeat(40),
  "9".repeat(400),
  "-0",
  "NaN",
  "\u0000",
  "\ud800",
  "\u2028",
  "é",
  "\\",
  "`${1}`",
  "//",
  "=>",
];

const VALUES: readonly [JsonValue, ...JsonValue[]] = [
  null,
  true,
  0,
  -1,
  1e308,
  1.5,
  "",
  "a",
  "{{input}}",
  "{{input | map: 'a * b' | sum}}",
  [],
  [[]],
  {},
  { a: null },
  ["a", "a"],
];

/** One to four pieces of damage. */
export function mutateText(random: Random, text: string, corpus: List): string {
  let mutated = text;
  for (let n = random.between(1, 4); n > 0; n--) {
    const at = random.between(0, mutated.length);
    const to = Math.min(mutated.length, at + random.between(0, 12));
    const pieces = [SCRAPS, corpus, [mutated.slice(at, to)] as const] as const;
    const piece = random.pick(random.pick(pieces));
    mutated = random.chance(0.3)
      ? mutated.slice(0, at) + mutated.slice(to)
      : mutated.slice(0, at) + piece + mutated.slice(random.chance(0.5) ? to : at);
  }
  return mutated;
}

/** The value with some of its parts damaged, swapped, doubled or gone. */
export function mutateJson(
  random: Random,
  value: JsonValue,
  corpus: List,
  strength: number,
): JsonValue {
  if (random.chance(strength)) return damage(random, value, corpus);
  if (Array.isArray(value)) {
    // `isArray` makes a readonly list `any[]`.
    const items = (value as readonly JsonValue[]).map((item) =>
      mutateJson(random, item, corpus, strength),
    );
    if (random.chance(strength)) items.push(...items.slice(0, 1));
    return items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as { readonly [key: string]: JsonValue })
    .filter(() => !random.chance(strength / 2))
    .map(([key, item]): [string, JsonValue] => [
      random.chance(strength / 2) ? random.pick(SCRAPS) : key,
      mutateJson(random, item, corpus, strength),
    ]);
  return Object.fromEntries(entries);
}

function damage(random: Random, value: JsonValue, corpus: List): JsonValue {
  if (typeof value === "string" && random.chance(0.7)) return mutateText(random, value, corpus);
  if (typeof value === "number" && random.chance(0.5)) return value * random.between(-2, 1_000);
  return random.chance(0.5) ? random.pick(VALUES) : random.pick(corpus);
}
