// Reads which tests show which faults, and says what is wrong with that.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "./list.ts";
import { readTitles } from "./read-titles.ts";
import { storesOf, type Store } from "./stores.ts";

/** A test that shows faults. */
export interface Proof {
  /** From the repository's root. */
  readonly file: string;
  /** With the groups around it, without its mark. */
  readonly title: string;
  readonly stores: readonly Store[];
  readonly numbers: readonly number[];
}

export interface Proofs {
  /** By file, then in the order of the file. */
  readonly proofs: readonly Proof[];
  /** A sentence each. */
  readonly findings: readonly string[];
}

const FILES = ["packages/**/*", "e2e/**/*", "conformance/*", "tools/**/*"];
const MARK = / \((?:fault (\d+)|faults (\d+(?:, \d+)+))\)$/;
/** What looks like a mark, also where none may stand. */
const LIKE_A_MARK = /\(faults? *\d/i;

/** All test files below `root`, suites included. */
export function collectProofs(root: string): Proofs {
  const files = globSync(
    FILES.map((pattern) => `${pattern}.{test,suite}.ts`),
    { cwd: root, exclude: (path) => /node_modules|(^|\/)dist$/.test(path) },
  ).toSorted();
  if (files.length === 0) return { proofs: [], findings: ["saw no test files"] };
  const proofs: Proof[] = [];
  const findings: string[] = [];
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    for (const { groups, text: title } of readTitles(file, text)) {
      const numbers = numbersOf(title);
      if (numbers === null) findings.push(`${file}: "${title}" has a mark of another form`);
      else if (numbers.length > 0) {
        const bare = [...groups, title.replace(MARK, "")].join(": ");
        proofs.push({ file, title: bare, stores: storesOf(file, text), numbers });
      }
    }
  }
  return { proofs, findings };
}

/** Empty: it shows none; null: its mark is none. */
function numbersOf(title: string): readonly number[] | null {
  const found = MARK.exec(title);
  if (found === null) return LIKE_A_MARK.test(title) ? null : [];
  if (LIKE_A_MARK.test(title.replace(MARK, ""))) return null;
  const numbers = (found[1] ?? found[2] ?? "").split(", ").map(Number);
  const isRising = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0));
  return isRising ? numbers : null;
}

/** Says which faults have neither test nor reason, or both, and which numbers are none. */
export function compare(faults: readonly Fault[], proofs: readonly Proof[]): readonly string[] {
  const known = new Set(faults.map(({ number }) => number));
  const unknown = proofs.flatMap(({ file, title, numbers }) =>
    numbers
      .filter((number) => !known.has(number))
      .map((number) => `${file}: "${title}" shows fault ${number}, which there is not`),
  );
  const shown = new Set(proofs.flatMap(({ numbers }) => numbers));
  const open = faults.flatMap(({ number, scenario, notYet }) => {
    const what = `fault ${number} (${scenario})`;
    if (shown.has(number) && notYet !== undefined)
      return [`${what} is shown by a test, and the list says that it is not: "${notYet}"`];
    if (!shown.has(number) && notYet === undefined)
      return [`${what} is shown by no test, and the list does not say why`];
    return [];
  });
  return [...unknown, ...open];
}
