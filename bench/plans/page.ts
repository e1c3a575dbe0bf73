import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { format } from "prettier";
import { ROOT } from "../bench.ts";
import type { Purpose } from "../../packages/engine/src/storage/postgres/database.ts";
import { toPaths, type StatementPlan } from "./collect-plans.ts";

export const PLANS_PAGE = "docs/reference/plans/postgres.md";

const TITLES: Readonly<Record<Purpose, string>> = {
  commit: "By the connection of commits",
  claim: "By the connection of claims, and the heartbeat's",
  read: "By the connections of reads",
  list: "By the connections of lists, which may be a replica's",
};

const HEAD = `# Plans on PostgreSQL

How PostgreSQL 18 finds the rows of each statement that a node sends again and again: \`explain\` for any values, on a
database with 10,000 live and 20,000 finished runs, with the settings of Millrace's own connections. Written by
\`npm run bench -- --plans\`; a test compares the indexes with those that a fresh database chooses. \`unnest\` is the batch
that a statement is given as arrays. Numbers are in [performance](../performance.md).
`;

export async function writePlans(plans: readonly StatementPlan[]): Promise<void> {
  const file = join(ROOT, PLANS_PAGE);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, await toPage(plans));
}

function toPage(plans: readonly StatementPlan[]): Promise<string> {
  const sections = (Object.keys(TITLES) as Purpose[]).flatMap((purpose) => {
    const own = plans.filter((plan) => plan.purpose === purpose);
    return own.length === 0 ? [] : [`## ${TITLES[purpose]}\n`, ...own.map(toSection)];
  });
  return format([HEAD, ...sections].join("\n"), { parser: "markdown", printWidth: 120 });
}

function toSection(plan: StatementPlan): string {
  const paths = toPaths(plan).map((path) => `\`${path}\``);
  const by = paths.length === 0 ? "No table is read." : `By ${paths.join(", ")}.`;
  return `### ${plan.name}\n\n${by}\n\n\`\`\`text\n${plan.lines.join("\n")}\n\`\`\`\n`;
}

const SECTION = /^### (\w+)\n\n[^\n]*\n\n```text\n([^]*?)\n```$/gm;

/** What a page says of each statement, by name: its paths. */
export function readPage(page: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Array.from(page.matchAll(SECTION), ([, name = "", plan = ""]) => [
      name,
      toPaths({ lines: plan.split("\n") }),
    ]),
  );
}
