import { basename } from "node:path";
import { format } from "prettier";
import type { Proof } from "./collect.ts";
import { GROUPS, type Fault } from "./list.ts";
import { sorted } from "./stores.ts";

/** Where links of the page begin, seen from the page. */
const ROOT_OF_LINKS = "../../";

/** The page, as Prettier would leave it. */
export function toPage(faults: readonly Fault[], proofs: readonly Proof[]): Promise<string> {
  const shown = faults.filter(({ notYet }) => notYet === undefined).length;
  const text = [
    "# Faults",
    "",
    "What can go wrong around a run, what Millrace does then, and the test that shows it.",
    `A test shows ${shown} of ${faults.length}; the others say why none does.`,
    "",
    "A test that shows a fault carries its number at the end of its title. The last column says on which stores it",
    "runs. _simulated_: nodes on a store in memory, on a clock that the test moves. _any_: it knows no store, so it",
    "holds on all.",
    "",
    "This page is generated from the tests and `tools/faults/list.ts` by `npm run faults`.",
    ...GROUPS.flatMap((group) => toSection(group, faults, proofs)),
    "",
  ].join("\n");
  return format(text, { parser: "markdown", printWidth: 100 });
}

function toSection(
  group: Fault["group"],
  faults: readonly Fault[],
  proofs: readonly Proof[],
): readonly string[] {
  const rows = faults.filter((fault) => fault.group === group).map((fault) => toRow(fault, proofs));
  if (rows.length === 0) return [];
  const head = "| # | What happens | What Millrace does | Shown by | On |";
  return ["", `## ${group}`, "", head, "| --- | --- | --- | --- | --- |", ...rows];
}

function toRow({ number, scenario, expected, notYet }: Fault, proofs: readonly Proof[]): string {
  const mine = proofs.filter(({ numbers }) => numbers.includes(number));
  const links = mine.map(
    ({ file, title }) => `${escape(title)} ([${escape(basename(file))}](${ROOT_OF_LINKS}${file}))`,
  );
  const where = notYet === undefined ? links.join("<br>") : `Not yet: ${notYet}`;
  const on = sorted(mine.flatMap(({ stores }) => stores)).join(", ");
  return `| ${number} | ${scenario} | ${expected} | ${where} | ${on === "" ? "–" : on} |`;
}

/** Titles are plain text, and a cell ends at a bar. What a table fills in reads `…`, as in templates. */
const escape = (text: string): string =>
  text.replaceAll(/%[sdifjo]|\$[a-z]\w*/g, "…").replaceAll(/[\\|*_<>[\]`]/g, "\\$&");
