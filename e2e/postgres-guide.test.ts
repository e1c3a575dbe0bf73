// What docs/operating/postgresql.md says to type, typed.
import { createEngine } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { workflow } from "@millrace/sdk";
import { createClient } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { expect, test } from "vitest";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import { startPostgres } from "../packages/engine/src/testkit/postgres/start-postgres.ts";
import { readFences, readPage, readSection } from "../tools/testkit/read-docs.ts";
import { soon } from "./deadline.ts";
import { openWorld } from "./world.ts";

const GUIDE = readPage("docs/operating/postgresql.md");

/** The statements of a section, a block each. */
const blocks = (section: string): readonly (readonly string[])[] =>
  readFences(readSection(GUIDE, section))
    .filter(({ language }) => language === "sql")
    .map(({ text }) => text.split(/;\n?/).filter((it) => it.trim() !== ""));

test("the guide's two users suffice: one makes the schema, the other runs on it", async () => {
  await using world = await openWorld();
  await using postgres = await startPostgres({ durable: false });
  const urlOf = (user: string): string =>
    `postgres://${user}@${postgres.host}:${postgres.port}/millrace`;
  const [create = [], grant = []] = blocks("Users and rights");
  await runStatements(postgres.url, ...create);
  const env = { MILLRACE_DATABASE_URL: urlOf("millrace_owner") };
  const setup = world.launch({ args: ["database", "setup"], env });
  expect(await soon("the schema", setup.exited)).toEqual({ code: 0, signal: null });
  await runStatements(urlOf("millrace_owner"), ...grant);
  for (const statements of blocks("Poolers")) await runStatements(postgres.url, ...statements);

  const storage = await createPostgresStorage({ url: urlOf("millrace_node") });
  const engine = createEngine({ storage });
  await engine.start();
  const client = createClient({ engine });
  const greet = workflow("greet", {}, async (ctx, { name }: { readonly name: string }) => {
    await ctx.run("say", () => name);
    await ctx.waitForEvent("go", { timeout: "1 day" });
    return `Hello, ${name}`;
  });
  const worker = createWorker({ engine, workflows: [greet] });
  await worker.start();
  try {
    const run = await client.start(greet, { name: "Ada" });
    await run.signal("go", null);
    expect(await run.result()).toBe("Hello, Ada");
    const watched = blocks("What to watch");
    expect(watched.length).toBeGreaterThan(3);
    for (const statements of watched) await runStatements(urlOf("millrace_node"), ...statements);
    const [nodes = []] = watched;
    expect(await runStatements(urlOf("millrace_node"), ...nodes)).toMatchObject([
      { pid: process.pid },
    ]);
  } finally {
    await worker.stop();
    await client.close();
    await engine.stop({ graceMs: 0 });
  }
});
