// Mistakes of the harness itself, which the checker must find: one that finds nothing may be blind.
export const PLANTS = [
  /** The load repeats a start under a new key, with the same intent. */
  "start-again",
  /** The load repeats a signal under a new id. */
  "signal-again",
  /** The workers report another result than their bodies gave. */
  "other-token",
] as const;
export type Plant = (typeof PLANTS)[number];

/** In the environment of the harness: names, with commas. */
const VARIABLE = "CHAOS_PLANTS";

/** @throws {Error} there is no such plant */
export function readPlants(): readonly Plant[] {
  const names = (process.env[VARIABLE] ?? "").split(",").filter((name) => name !== "");
  return names.map((name) => {
    const plant = PLANTS.find((plant) => plant === name);
    if (plant !== undefined) return plant;
    throw new Error(`There is no plant ${name}; there is ${PLANTS.join(", ")}.`);
  });
}
