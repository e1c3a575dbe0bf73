// `npm run conformance [-- 004]`: runs the seeds' samples as they are printed and shows how each did, by its number.
// Kept for whatever stands below the API: another store must give the same table.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";

/** What Vitest's JSON reporter says, as far as it is read here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const [seed = ""] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "millrace-conformance-"));
const file = join(folder, "report.json");
const code = await run("vitest", [
  "run",
  `conformance/seed-${seed}`,
  "--reporter=json",
  `--outputFile=${file}`,
]);
const report = JSON.parse(readFileSync(file, "utf8")) as Report;
rmSync(folder, { recursive: true });

const rows = report.testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .map(({ title, status }) => {
    const [, sample = "text", what = title] = /^(\d{3}-\d+): (.*)$/s.exec(title) ?? [];
    return { sample, what, status };
  })
  .toSorted((a, b) => order(a.sample) - order(b.sample));
for (const { sample, what, status } of rows) {
  const mark = status === "passed" ? "✔" : status === "failed" ? "✖" : "–";
  process.stdout.write(`${mark} ${sample.padEnd(7)} ${what}\n`);
}
const passed = rows.filter(({ status }) => status === "passed").length;
process.stdout.write(`\n${passed} of ${rows.length} passed\n`);
process.exitCode = code;

/** `001-14` before `004-2`; what has no number last. */
function order(sample: string): number {
  const [seedNumber = "", number = ""] = sample.split("-");
  return number === "" ? Infinity : Number(seedNumber) * 1_000 + Number(number);
}
