// Holds the error table, its reference page and its uses together: the page is generated from the table
// (`--write`), and every code must be used in a source. A code that nobody raises is a promise nobody keeps.

import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "prettier";
import { ROOT } from "./workspace.ts";

const TABLE = "packages/protocol/src/error-codes.ts";
const PAGE = "docs/reference/errors.md";

interface Entry {
  readonly status: number;
  readonly retry: string;
  readonly wire: string;
  readonly sentence: string;
}
type Table = Readonly<Record<string, Entry>>;

const RETRIES: Readonly<Record<string, string>> = {
  never: "no",
  backoff: "after a growing pause",
  after: "when the answer says",
};

/** Says what is wrong, one sentence each. Empty: table, page and sources agree. */
export async function checkErrors(root: string): Promise<readonly string[]> {
  const table = await readTable(root);
  const codes = Object.keys(table);
  if (codes.length === 0) return [`${TABLE}: has no codes`];
  const misnamed = codes
    .filter((code) => !/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/.test(code))
    .map((code) => `${TABLE}: ${code} is not of the form noun.problem`);
  return [...misnamed, ...(await checkPage(root, table)), ...checkUse(root, codes)];
}

/** Writes the reference page from the table. */
export async function writePage(root: string): Promise<void> {
  const file = join(root, PAGE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await toPage(await readTable(root)));
}

async function readTable(root: string): Promise<Table> {
  const url = pathToFileURL(join(root, TABLE)).href;
  const module = (await import(url)) as { readonly ERROR_CODES: Table };
  return module.ERROR_CODES;
}

async function checkPage(root: string, table: Table): Promise<readonly string[]> {
  const page = readIfThere(join(root, PAGE));
  const silent = Object.keys(table).filter((code) => !page.includes(`\`${code}\``));
  if (silent.length > 0) return silent.map((code) => `${PAGE}: ${code} is not documented`);
  if (page === (await toPage(table))) return [];
  return [`${PAGE}: differs from the table; run "npm run errors"`];
}

function checkUse(root: string, codes: readonly string[]): readonly string[] {
  const files = globSync("packages/*/src/**/*.ts", { cwd: root })
    .filter((file) => file !== TABLE && !/\.(test|test-d|suite)\.ts$/.test(file))
    .map((file) => readFileSync(join(root, file), "utf8"));
  if (files.length === 0) return ["packages: saw no sources that could use a code"];
  return codes
    .filter((code) => !files.some((text) => text.includes(`"${code}"`)))
    .map((code) => `${TABLE}: ${code} is used nowhere`);
}

/** The page, as Prettier would leave it. */
function toPage(table: Table): Promise<string> {
  const rows = Object.entries(table).map(
    ([code, { status, retry, wire, sentence }]) =>
      `| \`${code}\` | ${status} | \`${wire}\` | ${RETRIES[retry] ?? retry} | ${sentence.replaceAll("|", "\\|")} |`,
  );
  const text = [
    "# Errors",
    "",
    "Every fault that Millrace reports has one of these codes. A code never changes its meaning; its sentence may.",
    "In an answer of the REST API the code is `error.reason`, and `error.code` is the word in the third column.",
    "",
    `This page is generated from \`${TABLE}\` by \`npm run errors\`.`,
    "",
    "| Code | Status | `error.code` | Try again? | What it means |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
  return format(text, { parser: "markdown", printWidth: 100 });
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

if (import.meta.main) {
  if (process.argv.includes("--write")) await writePage(ROOT);
  const findings = await checkErrors(ROOT);
  for (const finding of findings) console.error(finding);
  console.log(`error table: ${findings.length} findings`);
  if (findings.length > 0) process.exitCode = 1;
}
