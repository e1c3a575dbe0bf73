// `npm test`: every check that we have, in the order of how soon it can tell. All of them run, so that one visit
// shows everything; with names behind it, only those (`npm run verify -- lint types`).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runAndHear } from "./run.ts";
import { ROOT } from "./workspace.ts";

interface Stage {
  readonly name: string;
  /** Stages whose failure makes this one pointless. */
  readonly needs?: readonly string[];
  /** What is wrong, or the end of what the tool said of it; undefined: it passed. */
  readonly check: () => string | undefined | Promise<string | undefined>;
}

const command = (name: string, ...args: string[]) => {
  return async (): Promise<string | undefined> => {
    const { code, tail } = await runAndHear(name, args);
    return code === 0 ? undefined : tail;
  };
};
const tool = (name: string) => command("node", "--conditions=source", join("tools", name));

/** Where the tests are that reach the core. */
const COVERING_CORE = ["core", "definition", "runtime"].map((it) => `packages/engine/src/${it}`);

const CONFORMANCE = join("tools", "conformance.ts");

const STAGES: readonly Stage[] = [
  { name: "lockfile", check: checkLockfile },
  { name: "format", check: command("prettier", "--check", "--log-level", "warn", ".") },
  { name: "lint", check: command("oxlint") },
  { name: "types", check: tool("typecheck.ts") },
  { name: "layers", check: tool("check-layers.ts") },
  { name: "errors", check: tool("check-errors.ts") },
  { name: "knip", check: command("knip", "--no-progress", "--no-config-hints") },
  { name: "tests", check: command("vitest", "run") },
  // A part of `npm run conformance -- --store cluster`, all of which takes more than a minute.
  {
    name: "nodes",
    check: command("node", "--conditions=source", CONFORMANCE, "--store", "cluster", "001", "003"),
  },
  // Of the core alone: V8 counts in all threads, and a store's thread that ends meanwhile crashes Node now and then.
  { name: "coverage", check: command("vitest", "run", "--coverage", ...COVERING_CORE) },
  { name: "build", check: tool("build.ts") },
  { name: "publint", needs: ["build"], check: tool("check-published.ts") },
  { name: "packed", needs: ["build"], check: tool("packed-install.ts") },
];

/** A lockfile that names a registry's host would break where another one serves. */
function checkLockfile(): string | undefined {
  const text = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  const lines = text.match(/"resolved": "http.*/g) ?? [];
  return lines.length === 0 ? undefined : `package-lock.json: ${lines.join("\n")}`;
}

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

async function verify(stages: readonly Stage[]): Promise<void> {
  const start = performance.now();
  const failed = new Map<string, string>();
  const skipped: string[] = [];
  for (const [at, { name, needs = [], check }] of stages.entries()) {
    const title = `${at + 1}/${stages.length} ${name}`;
    if (needs.some((it) => failed.has(it))) {
      skipped.push(name);
      console.log(`\n== ${title}: not run, since ${needs.join(", ")} failed`);
      continue;
    }
    console.log(`\n== ${title}`);
    const stageStart = performance.now();
    const wrong = await check();
    if (wrong !== undefined) failed.set(name, wrong);
    const outcome = wrong === undefined ? "passed" : "FAILED";
    console.log(`== ${title}: ${outcome} in ${seconds(stageStart)}`);
  }
  // Again at the end, where whoever sees only that looks.
  for (const [name, wrong] of failed)
    console.log(`\n== FAILED: ${name}, which ended with\n\n${wrong}`);
  const counts = [
    `${stages.length - failed.size - skipped.length} passed`,
    `${failed.size} failed`,
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ];
  console.log(`\nverified in ${seconds(start)}, stages:\n${counts.join(", ")}`);
  process.exitCode = failed.size === 0 ? 0 : 1;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !STAGES.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(
    `no stage ${unknown.join(", ")}; there are ${STAGES.map((it) => it.name).join(", ")}`,
  );
  process.exitCode = 2;
} else {
  await verify(STAGES.filter(({ name }) => wanted.length === 0 || wanted.includes(name)));
}
