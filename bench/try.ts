import { mkdtempSync, rmSync } from "node:fs";
import { runJob } from "./run-job.ts";
for (const inFlight of [1, 50, 200, 1000]) {
  const folder = mkdtempSync("/work/main/node_modules/.bench-try-");
  console.log(inFlight, await runJob("throughput", { store: "sqlite", folder, inFlight, warmUpMs: 1000, windowMs: 3000, commitDelayMs: 0 }, { tell: console.log, profiles: process.argv[2] ?? null }));
  rmSync(folder, { recursive: true });
}
