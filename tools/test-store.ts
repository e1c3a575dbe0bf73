// `npm run test:store -- --url postgres://…`: the storage suite and real runs against somebody's server, in databases
// that it makes and removes. Prints what passed, and a line for the table of `docs/operating/databases.md`.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  decideProfile,
  describePostgresUrl,
  examinePostgres,
  POSTGRES_PROFILES,
  type PostgresProfile,
} from "@millrace/engine/postgres";
import { run } from "./run.ts";
import {
  dropDatabases,
  listDatabases,
  mayMakeDatabases,
  PREFIX_ENV,
  PROFILE_ENV,
  URL_ENV,
} from "./test-store/given-server.ts";
import { toTable, type Report } from "./test-store/report.ts";

const USAGE = `npm run test:store -- --url postgres://user:password@host:5432/database [--profile name] [--keep]

  --url      a database of the server, of a user who may make databases; default: MILLRACE_DATABASE_URL
  --profile  ${POSTGRES_PROFILES.join(", ")}; default: what the server is
  --keep     leaves the databases that were made
`;

interface Request {
  readonly url: string;
  /** null: what the server is. */
  readonly profile: PostgresProfile | null;
  readonly keep: boolean;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @throws {Error} with a sentence for whoever typed it */
function readRequest(): Request {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      profile: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  const url = values.url ?? process.env["MILLRACE_DATABASE_URL"];
  if (url === undefined) throw new Error("No server is named: give --url.");
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol))
    throw new Error("--url has another form than postgres://user:password@host:5432/database.");
  const profile = POSTGRES_PROFILES.find((it) => it === values.profile) ?? null;
  if (values.profile !== undefined && profile === null)
    throw new Error(`--profile is one of ${POSTGRES_PROFILES.join(", ")}.`);
  return { url, profile, keep: values.keep };
}

/** @returns what the server is, for the table */
async function look({ url, profile: stated }: Request): Promise<string> {
  const { server, isStandby, isPooled, unsafeSettings } = await examinePostgres(url);
  if (isStandby) throw new Error("The server is a copy that takes no writes.");
  if (server.tooOld !== null) throw new Error(`${server.text} is too old. ${server.tooOld}`);
  const profile = decideProfile(server, stated);
  if (!(await mayMakeDatabases(url)))
    throw new Error("The user may not make databases: `alter role … createdb`.");
  const pooler = isPooled ? ", through a pooler in transaction mode" : "";
  const engine = `${server.text}${pooler}${profile === server.kind ? "" : `, as ${profile}`}`;
  say(`${engine}, at ${describePostgresUrl(url).shown}`);
  for (const setting of unsafeSettings)
    say(`note: ${setting} is off. That is fine for this test, and not for use.`);
  return engine;
}

/** @returns undefined: the checks did not get as far as a report */
async function check({ url, profile }: Request, prefix: string): Promise<Report | undefined> {
  process.env[URL_ENV] = url;
  if (profile !== null) process.env[PROFILE_ENV] = profile;
  process.env[PREFIX_ENV] = prefix;
  const folder = mkdtempSync(join(tmpdir(), "millrace-test-store-"));
  const file = join(folder, "report.json");
  try {
    await run("vitest", [
      "run",
      "--config=tools/test-store/vitest.config.ts",
      "--reporter=dot",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ]);
    // What Vitest writes.
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    // It has said why.
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function tidyUp({ url, keep }: Request, prefix: string): Promise<void> {
  const names = await listDatabases(url, prefix);
  if (!keep) await dropDatabases(url, names);
  say(`\nmade and ${keep ? "kept" : "removed again"}: ${names.join(", ") || "no database"}`);
}

async function main(): Promise<void> {
  const request = readRequest();
  const engine = await look(request);
  const prefix = `millrace_test_${randomBytes(4).toString("hex")}`;
  say(`makes databases named ${prefix}_…, and touches nothing else\n`);
  let report: Report | undefined;
  try {
    report = await check(request, prefix);
  } finally {
    await tidyUp(request, prefix);
  }
  if (report === undefined) throw new Error("The checks did not run to their end.");
  const table = toTable(report, engine, new Date().toISOString().slice(0, 10));
  say(`\n${table.text}\n\nFor docs/operating/databases.md:\n${table.line}`);
  process.exitCode = table.failedCount === 0 ? 0 : 1;
}

// The checks hear of it, too, and end; then the databases are removed.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n\n${USAGE}`);
  process.exitCode = 1;
}
