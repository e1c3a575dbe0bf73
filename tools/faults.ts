// Holds the list of faults, the tests that carry their numbers and the page that is generated from both (`--write`)
// together.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectProofs, compare } from "./faults/collect.ts";
import { FAULTS, type Fault } from "./faults/list.ts";
import { toPage } from "./faults/page.ts";
import { ROOT } from "./workspace.ts";

const PAGE = "docs/reference/faults.md";

/** Says what is wrong, one sentence each. Empty: list, tests and page agree. */
export async function checkFaults(
  root: string,
  faults: readonly Fault[] = FAULTS,
): Promise<readonly string[]> {
  const { proofs, findings } = collectProofs(root);
  const wrong = [...findings, ...compare(faults, proofs)];
  const file = join(root, PAGE);
  const page = existsSync(file) ? readFileSync(file, "utf8") : "";
  const isSame = page === (await toPage(faults, proofs));
  return isSame ? wrong : [...wrong, `${PAGE}: differs from the tests; run "npm run faults"`];
}

/** Writes the page from the tests. */
export async function writeFaults(root: string, faults: readonly Fault[] = FAULTS): Promise<void> {
  writeFileSync(join(root, PAGE), await toPage(faults, collectProofs(root).proofs));
}

if (import.meta.main) {
  if (process.argv.includes("--write")) await writeFaults(ROOT);
  const findings = await checkFaults(ROOT);
  for (const finding of findings) console.error(finding);
  console.log(`fault list: ${findings.length} findings`);
  if (findings.length > 0) process.exitCode = 1;
}
