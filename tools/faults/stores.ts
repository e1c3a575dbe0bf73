// On which stores a test runs: what its file says, or where it lives.
import { parseSync } from "oxc-parser";
import { readImports } from "../read-imports.ts";

/** In the order in which they are told. */
export const STORES = ["SQLite", "PostgreSQL", "simulated", "any"] as const;
export type Store = (typeof STORES)[number];

/** A test file that runs elsewhere than its place says exports a list of this name. */
const CONST = "SHOWN_ON";

/** The first that fits counts. */
const PLACES: readonly (readonly [place: RegExp, stores: readonly Store[]])[] = [
  [/\/storage\/suite\//, ["SQLite", "PostgreSQL", "simulated"]],
  [/\/storage\/sqlite\//, ["SQLite"]],
  [/\/engine\/src\/(storage\/memory|simulation)\//, ["simulated"]],
  [/postgres|cluster|chaos/, ["PostgreSQL"]],
  [/\/engine\/src\/runtime\//, ["simulated"]],
  // These know no store, so what they do is the same on all.
  [/\/engine\/src\/(core|definition|steps|triggers)\//, ["any"]],
  [/packages\/(protocol|sdk|connectors)\//, ["any"]],
];

export function storesOf(file: string, text: string): readonly Store[] {
  const said = readConst(file, text);
  if (said !== null) return said;
  const place = PLACES.find(([pattern]) => pattern.test(`/${file}`))?.[1] ?? ["SQLite"];
  return opensSqlite(file, text) ? sorted([...place, "SQLite"]) : place;
}

/** Each once, in their order, and without `any` where one is named. */
export function sorted(stores: readonly Store[]): readonly Store[] {
  const named = STORES.filter((store) => stores.includes(store));
  return named.length > 1 ? named.filter((store) => store !== "any") : named;
}

/** Beside the tests of a place: the file that makes a store of its own. */
const opensSqlite = (file: string, text: string): boolean =>
  readImports(file, text).some(({ specifier, isTypeOnly }) => {
    return !isTypeOnly && /create-sqlite-storage|engine\/sqlite$/.test(specifier);
  });

function readConst(file: string, text: string): readonly Store[] | null {
  const { program } = parseSync(file, text);
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration") continue;
    const { declaration } = statement;
    if (declaration?.type !== "VariableDeclaration") continue;
    for (const { id, init } of declaration.declarations) {
      if (id.type !== "Identifier" || id.name !== CONST) continue;
      return sorted(readList(file, text.slice(init?.start, init?.end)));
    }
  }
  return null;
}

/** `["SQLite", "PostgreSQL"] as const` */
function readList(file: string, source: string): readonly Store[] {
  const words = Array.from(source.matchAll(/"([^"]*)"/g), ([, word = ""]) => word);
  const stores = STORES.filter((store) => words.includes(store));
  if (stores.length === 0 || stores.length !== words.length)
    throw new Error(`${file}: ${CONST} must list some of ${STORES.join(", ")}, and is ${source}`);
  return stores;
}
