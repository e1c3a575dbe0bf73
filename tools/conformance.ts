// `npm run conformance -- [001 004] [--store sqlite|postgres|cluster|two-servers|all]`: runs the seeds' samples as they are
// printed, and shows how each did: a row a sample, a column a store.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SAMPLE_STORE, SAMPLE_STORES, type SampleStore } from "../conformance/sample-store.ts";
import { run } from "./run.ts";

/** What Vitest's JSON reporter says, as far as it is read here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

interface Row {
  /** `001-14`; `text`: of what a seed says around its samples. */
  readonly sample: string;
  readonly what: string;
  /** By store. */
  readonly marks: Map<SampleStore, string>;
}

const HEADS: Readonly<Record<SampleStore, string>> = {
  sqlite: "embedded",
  postgres: "PostgreSQL",
  cluster: "three nodes",
  "two-servers": "two servers",
};

const { stores, seeds } = readArguments();
const rows = new Map<string, Row>();
let code = 0;
for (const store of stores) {
  if (stores.length > 1) process.stderr.write(`${HEADS[store]} …\n`);
  const ended = await runOn(store, seeds);
  code ||= ended.code;
  for (const { title, status } of ended.results) addRow(store, title, status);
}
print(stores, [...rows.values()]);
process.exitCode = code;

function readArguments(): {
  readonly stores: readonly SampleStore[];
  readonly seeds: readonly string[];
} {
  const { values, positionals } = parseArgs({
    options: { store: { type: "string", default: "sqlite" } },
    allowPositionals: true,
  });
  const wanted = positionals.length === 0 ? [""] : positionals;
  const known = SAMPLE_STORES.filter((it) => values.store === "all" || it === values.store);
  if (known.length > 0) return { stores: known, seeds: wanted };
  process.stderr.write(`--store is one of ${SAMPLE_STORES.join(", ")}, all\n`);
  process.exit(2);
}

interface Ended {
  readonly code: number;
  readonly results: readonly { readonly title: string; readonly status: string }[];
}

async function runOn(store: SampleStore, wanted: readonly string[]): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-conformance-"));
  const file = join(folder, "report.json");
  process.env[SAMPLE_STORE] = store;
  const ended = await run("vitest", [
    "run",
    ...wanted.map((seed) => `conformance/seed-${seed}`),
    "--reporter=json",
    `--outputFile=${file}`,
  ]);
  // What Vitest writes.
  const report = JSON.parse(readFileSync(file, "utf8")) as Report;
  rmSync(folder, { recursive: true });
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return { code: ended, results };
}

function addRow(store: SampleStore, title: string, status: string): void {
  const [, sample = "text", what = title] = /^(\d{3}-\d+): (.*)$/s.exec(title) ?? [];
  const row = rows.get(title) ?? { sample, what, marks: new Map<SampleStore, string>() };
  rows.set(title, row);
  row.marks.set(store, status === "passed" ? "✔" : status === "failed" ? "✖" : "–");
}

function print(columns: readonly SampleStore[], unsorted: readonly Row[]): void {
  const say = (text: string): void => void process.stdout.write(`${text.trimEnd()}\n`);
  const line = (cell: (store: SampleStore) => string, rest: string): void =>
    say(columns.map((store) => `${cell(store).padEnd(HEADS[store].length)}  `).join("") + rest);
  line((store) => HEADS[store], "sample");
  for (const { sample, what, marks } of unsorted.toSorted((a, b) => toOrder(a) - toOrder(b)))
    line((store) => marks.get(store) ?? "–", `${sample.padEnd(7)} ${what}`);
  say("");
  for (const store of columns) {
    const passed = unsorted.filter(({ marks }) => marks.get(store) === "✔").length;
    say(`${HEADS[store]}: ${passed} of ${unsorted.length} passed`);
  }
}

/** `001-14` before `004-2`; what has no number last. */
function toOrder({ sample }: Row): number {
  const [seedNumber = "", number = ""] = sample.split("-");
  return number === "" ? Infinity : Number(seedNumber) * 1_000 + Number(number);
}
