import { parseArgs } from "node:util";
import { STORE_NAMES, type StoreName } from "./engine/store.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly isQuick: boolean;
  readonly isJson: boolean;
  /** Whether the page of the documentation shall have the result. */
  readonly isWriting: boolean;
  readonly store: StoreName;
  /** Folder for CPU profiles of the engine processes; null: none. */
  readonly profiles: string | null;
}

export const USAGE: string = `npm run bench -- [options]
  --only name,…   only these: ${SCENARIOS.map(({ name }) => name).join(", ")}
  --quick         small sizes, to see whether it works
  --json          JSON on standard output in place of the table
  --write         puts the result into docs/reference/performance.md
  --plans         writes the plans of PostgreSQL into docs/reference/plans/postgres.md, and measures nothing
  --store name    ${STORE_NAMES.join(", ")}
  --profiles dir  a CPU profile of each engine process`;

/** @throws {Error} with a sentence for whoever typed it */
export function readOptions(args: readonly string[]): Options | "help" | "plans" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      plans: { type: "boolean", default: false },
      store: { type: "string", default: "sqlite" },
      profiles: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  if (values.plans) return "plans";
  const store = STORE_NAMES.find((name) => name === values.store);
  if (store === undefined) {
    throw new Error(`There is no store ${values.store}; there is ${STORE_NAMES.join(", ")}.`);
  }
  if (
    values.write &&
    (values.quick || values.only !== undefined || values.profiles !== undefined)
  ) {
    throw new Error("Only a whole run is written: leave out --quick, --only and --profiles.");
  }
  return {
    scenarios: values.only === undefined ? SCENARIOS : choose(values.only),
    isQuick: values.quick,
    isJson: values.json,
    isWriting: values.write,
    store,
    profiles: values.profiles ?? null,
  };
}

/** In the order in which they always run. */
function choose(only: string): readonly Scenario[] {
  const names = only.split(",").map((name) => name.trim());
  const known = SCENARIOS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`There is no scenario ${unknown}; there are ${known.join(", ")}.`);
  }
  return SCENARIOS.filter(({ name }) => names.includes(name));
}
