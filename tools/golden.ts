// `npm run golden -- --write`: writes the journals of this release that are not there yet. Those that are there stay.
// Without `--write` it says which ones are missing.
import { readGoldenJournals, writeGoldenJournal } from "../conformance/golden-journal.ts";
import { GOLDEN_PROGRAMS } from "../conformance/golden-programs.ts";
import { readPackages, ROOT } from "./workspace.ts";

const release = readPackages(ROOT).find((it) => it.manifest.name === "@millrace/sdk")?.manifest
  .version;
if (release === undefined) throw new Error("there is no @millrace/sdk");
if (process.argv.includes("--write")) {
  for (const program of GOLDEN_PROGRAMS) {
    const isNew = await writeGoldenJournal(release, program);
    console.log(`${isNew ? "wrote" : "kept "} ${release}/${program.name}`);
  }
} else {
  const names = new Set(readGoldenJournals().map(({ name }) => name));
  const missing = GOLDEN_PROGRAMS.filter(({ name }) => !names.has(`${release}/${name}`));
  for (const { name } of missing) console.log(`missing ${release}/${name}`);
  console.log(`${names.size} journals, ${missing.length} missing`);
}
