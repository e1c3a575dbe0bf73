// Runs of a real engine, exported, and checked against code that has changed.
import { createWorker, type Worker } from "@millrace/sdk/worker";
import { execFile } from "node:child_process";
import { lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder, type PlantedFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { untilAsleep } from "../../../../tools/testkit/until-asleep.ts";
import { findModules, loadCode } from "../code/load-code.ts";
import { runCommandLine } from "./run-command-line.ts";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SDK = import.meta.resolve("@millrace/sdk");
const module = (...workflows: readonly string[]): string =>
  [`import { workflow } from ${JSON.stringify(SDK)};`, ...workflows].join("\n");

const ORDER = `export const order = workflow("order", {}, async (ctx, input) => {
  const paid = await ctx.run("charge", () => ({ id: 4_711_001, by: input.name }));
  await ctx.sleep("cool down", 1);
  return ctx.run("ship", () => paid.by);
});`;
const NAPPING = `export const napping = workflow("napping", {}, async (ctx) => {
  await ctx.run("lie down", () => 1);
  await ctx.sleep("nap", "1h");
  await ctx.run("get up", () => 2);
});`;
const BOOKING = `export const booking = workflow("booking", {}, async (ctx) => {
  await ctx.run("book", () => 1);
  ctx.onRollback("book", () => 2);
  await ctx.run("pay", () => { throw new Error("declined"); });
});`;
const PARENT = `export const parent = workflow("parent", {}, async (ctx, input) => {
  const answer = await ctx.waitForEvent("answer");
  const orders = await ctx.invokeMany("orders", "order", [input, input]);
  return { answer, orders };
});`;
const V1 = module(ORDER, NAPPING, BOOKING, PARENT);

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly folder: PlantedFolder;
  /** Plants a folder of code. */
  plant(name: string, text: string): Promise<void>;
  /** Starts a run and waits for its end. @returns its id */
  run(workflow: string, input?: object): Promise<string>;
  /** Starts one of `napping`, and waits until it naps. @returns its id */
  nap(): Promise<string>;
  call(...args: readonly string[]): Promise<Ended>;
}

async function openWorld(v1 = V1): Promise<World> {
  const folder = await plantFolder({
    "package.json": `{ "type": "module" }`,
    "v1/code.js": v1,
  });
  const server = await openTestServer();
  const { workflows } = await loadCode(await findModules(join(folder.path, "v1")));
  const worker: Worker = createWorker({
    engine: server.engine,
    workflows: workflows.map(({ workflow }) => workflow),
  });
  await worker.start();
  const start = async (path: string, input: object): Promise<string> => {
    const body = { input };
    const started = await server.send("POST", `/api/v1/workflows/${path}`, { body });
    return started.body.data.runId;
  };
  return {
    server,
    folder,
    plant: async (name, text) => {
      const planted = join(folder.path, `${name}.js`);
      await writeFile(planted, text);
    },
    run: (workflow, input = { name: "Ada Lovelace" }) => start(`${workflow}/run?wait=30`, input),
    nap: async () => {
      const id = await start("napping/run", {});
      await untilAsleep(server, id);
      return id;
    },
    call: async (...args) => {
      const { app, key } = server;
      const io = createTestIo({ app, env: { MILLRACE_KEY: key }, cwd: folder.path });
      const code = await runCommandLine(args, io);
      return { code, out: io.outText(), err: io.errText() };
    },
    [Symbol.asyncDispose]: async () => {
      await worker.stop({ graceMs: 0 });
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const linesOf = (text: string): readonly unknown[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));

describe("millrace runs export", { timeout: 60_000 }, () => {
  test("writes a line for each run of code, for its owner only", async () => {
    await using world = await openWorld();
    const [ended, napping] = [await world.run("order"), await world.nap()];
    await world.server.install({
      name: "Graph",
      id: "wf_graph",
      steps: [{ id: "a", type: "transform", config: { mapping: { b: 1 } } }],
    });
    await world.run("wf_graph", {});
    const { code, out, err } = await world.call("runs", "export", "--out", "runs.jsonl");
    expect([code, out]).toEqual([0, "Exported 2 runs to runs.jsonl.\n"]);
    expect(err).toMatch(/^1 of JSON workflows were left out: .* pinned to its version/);
    const file = join(world.folder.path, "runs.jsonl");
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(await partsIn(world)).toEqual([]);
    const records = linesOf(await readFile(file, "utf8"));
    expect(records).toHaveLength(2);
    expect(records).toContainEqual(
      expect.objectContaining({
        format: "millrace.replay/1",
        detail: "whole",
        runId: ended,
        workflow: "order",
        version: "1",
        input: { name: "Ada Lovelace" },
        end: { status: "completed", output: "Ada Lovelace" },
        open: [],
      }),
    );
    expect(records).toContainEqual(
      expect.objectContaining({
        runId: napping,
        open: [{ key: "nap", position: 1, kind: "timer" }],
        end: null,
      }),
    );
  });

  test("takes ids, filters and a limit, and writes to standard output without a file", async () => {
    await using world = await openWorld();
    const [first, second, third] = [
      await world.run("order"),
      await world.run("order"),
      await world.nap(),
    ];
    const idsOf = async (...args: readonly string[]): Promise<readonly string[]> =>
      (
        (await world.call("runs", "export", ...args)).out.match(/run_[0-9A-Z]{26}/g) ?? []
      ).toSorted();
    expect(await idsOf(first, third)).toEqual([first, third].toSorted());
    expect(await idsOf("--workflow", "napping")).toEqual([third]);
    expect(await idsOf("--status", "completed")).toEqual([first, second].toSorted());
    const limited = await world.call("runs", "export", "--limit", "1");
    expect(linesOf(limited.out)).toHaveLength(1);
    expect(limited.err).toBe("There are more: --limit takes them as well.\n");
  });

  test("exits 1 where a run that is named is not there, or not of code", async () => {
    await using world = await openWorld();
    const steps = [{ id: "a", type: "transform", config: { mapping: { b: 1 } } }];
    await world.server.install({ name: "Graph", id: "wf_graph", steps });
    const graph = await world.run("wf_graph", {});
    const named = await world.call("runs", "export", "nobody", await world.run("order"));
    expect([named.code, named.err]).toEqual([1, "nobody: Run not found\n"]);
    expect(linesOf(named.out)).toHaveLength(1);
    expect((await world.call("runs", "export", graph)).code).toBe(1);
    const { status, body } = await world.server.send("GET", `/api/v1/runs/${graph}/replay`);
    expect([status, body.error.reason]).toEqual([409, "run.not-code"]);
  });

  test.for([
    [["run_x", "--limit", "1"], "Name ids of runs, or say which with"],
    [["run_x", "--workflow", "order"], "Name ids of runs, or say which with"],
    [["--json"], "give --out as well"],
    [["--limit", "0"], "--limit must be a whole number from 1."],
    [["--out", "none/runs.jsonl"], "Cannot write none/runs.jsonl."],
  ] as const)("refuses %j", async ([args, sentence]) => {
    await using world = await openWorld();
    const { code, err } = await world.call("runs", "export", ...args);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
  });

  test("leaves no part of a file behind when it is stopped, and the file as it was", async () => {
    await using world = await openWorld();
    await world.run("order");
    const file = join(world.folder.path, "runs.jsonl");
    await writeFile(file, "before\n");
    const { app, key } = world.server;
    const io = createTestIo({ app, env: { MILLRACE_KEY: key }, cwd: world.folder.path });
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<Response>();
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      if (!url.endsWith("/replay")) return io.fetch(url, init);
      asked.resolve();
      return answered.promise;
    };
    const args = ["runs", "export", "--out", "runs.jsonl"];
    const ended = runCommandLine(args, { ...io, fetch });
    await asked.promise;
    io.stop();
    expect(await ended).toBe(1);
    answered.reject(new Error("nobody reads it any more"));
    expect([io.outText(), io.errText()]).toEqual(["", "Stopped: runs.jsonl is as it was.\n"]);
    expect(await readFile(file, "utf8")).toBe("before\n");
    expect(await partsIn(world)).toEqual([]);
  });

  test("writes into a device, and into the file behind a link, in place of taking their place", async () => {
    await using world = await openWorld();
    await world.run("order");
    const { path } = world.folder;
    await run("mkfifo", [join(path, "pipe")]);
    const piped = readFile(join(path, "pipe"), "utf8");
    expect((await world.call("runs", "export", "--out", "pipe")).code).toBe(0);
    expect(linesOf(await piped)).toHaveLength(1);
    expect((await stat(join(path, "pipe"))).isFIFO()).toBe(true);
    await writeFile(join(path, "real.jsonl"), "before\n", { mode: 0o644 });
    await symlink("real.jsonl", join(path, "link.jsonl"));
    expect((await world.call("runs", "export", "--out", "link.jsonl")).code).toBe(0);
    expect(linesOf(await readFile(join(path, "real.jsonl"), "utf8"))).toHaveLength(1);
    expect((await lstat(join(path, "link.jsonl"))).isSymbolicLink()).toBe(true);
    expect((await world.call("runs", "export", "--out", "v1")).code).toBe(2);
  });

  test("leaves no text and no large number in an export of structure only", async () => {
    await using world = await openWorld();
    await world.run("order", { name: "Ada Lovelace", mail: "ada@example.com", card: "4111 1111" });
    await world.run("order", { name: "Ada Lovelace" });
    const { code } = await world.call("runs", "export", "--structure-only", "--out", "runs.jsonl");
    expect(code).toBe(0);
    const text = await readFile(join(world.folder.path, "runs.jsonl"), "utf8");
    for (const secret of ["Ada", "Lovelace", "ada@", "4111 1111", `"id":4711001`]) {
      expect(text).not.toContain(secret);
    }
    // The same name has one stand-in in all of the export.
    const names = (linesOf(text) as readonly { input: { name: string } }[]).map(
      ({ input }) => input.name,
    );
    expect(names).toHaveLength(2);
    expect(new Set(names).size).toBe(1);
    const again = await world.call("runs", "export", "--structure-only");
    expect(again.out).not.toContain(names[0]);
    expect((await world.call("check", "v1", "--runs", "runs.jsonl")).out).toBe("2 the same\n");
  });
});

const partsIn = async ({ folder }: World): Promise<readonly string[]> =>
  (await readdir(folder.path)).filter((name) => name.endsWith(".part"));

/** A world with a run of every kind, all of them in `runs.jsonl`. */
async function openExported(): Promise<World & { readonly ids: Readonly<Record<string, string>> }> {
  const world = await openWorld();
  const order = await world.run("order");
  const napping = await world.nap();
  const cancelled = await world.nap();
  await world.server.send("POST", `/api/v1/runs/${cancelled}/cancel`);
  await world.server.send("GET", `/api/v1/runs/${cancelled}?wait=30`);
  const booking = await world.run("booking");
  const started = await world.server.send("POST", "/api/v1/workflows/parent/run", {
    body: { input: { name: "Ada" } },
  });
  const parent = started.body.data.runId;
  await world.server.send("POST", `/api/v1/runs/${parent}/signals`, {
    body: { name: "answer", data: { isYes: true } },
  });
  const ended = await world.server.send("GET", `/api/v1/runs/${parent}?wait=30`);
  expect(ended.body.data.status).toBe("completed");
  const { code } = await world.call("runs", "export", "--out", "runs.jsonl");
  expect(code).toBe(0);
  return { ...world, ids: { order, napping, cancelled, booking, parent } };
}

describe("millrace check", { timeout: 60_000 }, () => {
  test("finds nothing in the code that made the runs, whatever became of them", async () => {
    await using world = await openExported();
    const checked = await world.call("check", "v1", "--runs", "runs.jsonl");
    // The parent's children are runs as well.
    expect(checked).toEqual({ code: 0, out: "7 the same\n", err: "" });
  });

  test("finds nothing in runs that never began, ran out of time, or took over from others", async () => {
    await using world = await openWorld();
    const start = async (path: string, body: object): Promise<string> =>
      (await world.server.send("POST", `/api/v1/${path}`, { body })).body.data.runId;
    await start("workflows/order/run", { input: {}, delayMs: 3_600_000 });
    const cancelled = await start("workflows/order/run", { input: {}, delayMs: 3_600_000 });
    await world.server.send("POST", `/api/v1/runs/${cancelled}/cancel`);
    await world.server.send("GET", `/api/v1/runs/${cancelled}?wait=30`);
    await start("workflows/napping/run?wait=30", { input: {}, timeoutMs: 1 });
    const failed = await world.run("booking");
    await start(`runs/${failed}/retry?wait=30`, {});
    await world.call("runs", "export", "--out", "runs.jsonl");
    const text = await readFile(join(world.folder.path, "runs.jsonl"), "utf8");
    expect(text).toContain('"run.timeout"');
    const { code, out } = await world.call("check", "v1", "--runs", "runs.jsonl");
    expect([code, out]).toEqual([0, "5 the same\n"]);
  });

  test("prints the first difference: what the journal has, and what the code asks for", async () => {
    await using world = await openExported();
    const renamed = NAPPING.replace("lie down", "lie still");
    await world.plant("v2", module(ORDER, renamed, BOOKING, PARENT));
    const { code, out, err } = await world.call("check", "v2.js", "--runs", "runs.jsonl");
    const { napping, cancelled } = world.ids;
    expect(code).toBe(1);
    expect(err).toMatch(/^A run that lives and differs would be set aside: put the change behind/);
    const [head, ...rest] = out.split("\n");
    expect(head).toBe('✖ napping version 1, at "lie down", entry 1: 2 runs');
    expect(rest.slice(0, 2).toSorted()).toEqual([`    ${napping}`, `    ${cancelled}`].toSorted());
    expect(rest.slice(2).join("\n")).toBe(
      `    journal  a step, asked for after entry 0
    code     asked for "lie still" and not for it

5 the same, 2 differ
`,
    );
  });

  test.for([
    ["a wait that is gone", ORDER.replace(/.*cool down.*/, ""), "cool down"],
    ["a step more", ORDER.replace("return", `await ctx.run("weigh", () => 1); return`), "ship"],
    ["steps in another order", swap(ORDER), "charge"],
  ] as const)("names %s", async ([, changed, step]) => {
    await using world = await openExported();
    await world.plant("v2", module(changed, NAPPING, BOOKING, PARENT));
    const { code, out } = await world.call("check", "v2.js", "--runs", "runs.jsonl", "--json");
    expect(code).toBe(1);
    const report = JSON.parse(out) as { counts: object; findings: readonly object[] };
    expect(report.counts).toMatchObject({ same: 4, differs: 3 });
    expect(report.findings).toContainEqual(
      expect.objectContaining({ runId: world.ids["order"], result: "differs", step }),
    );
  });

  test("lets a step be added behind a patch", async () => {
    await using world = await openExported();
    const patched = ORDER.replace(
      "return",
      `if (ctx.patched("weigh")) await ctx.run("weigh", () => 1); return`,
    );
    await world.plant("v2", module(patched, NAPPING, BOOKING, PARENT));
    const { code, out } = await world.call("check", "v2.js", "--runs", "runs.jsonl");
    expect([code, out]).toEqual([0, "7 the same\n"]);
  });

  test("says that the missing data may be the reason where there is only structure", async () => {
    await using world = await openWorld();
    await world.run("order");
    await world.call("runs", "export", "--structure-only", "--out", "runs.jsonl");
    const branching = ORDER.replace(
      "await ctx.sleep",
      `if (input.name === "Ada Lovelace") await ctx.sleep`,
    );
    await world.plant("v2", module(branching));
    const { code, out } = await world.call("check", "v2.js", "--runs", "runs.jsonl");
    expect(code).toBe(1);
    expect(out).toContain("    structure only: may be the missing data\n");
  });

  test("asks a server for its runs that live", async () => {
    await using world = await openExported();
    expect(await world.call("check", "v1")).toEqual({ code: 0, out: "1 the same\n", err: "" });
    await world.plant("v2", module(NAPPING.replace('nap"', 'doze"')));
    const { code, out } = await world.call("check", "v2.js", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      isGood: false,
      findings: [{ place: "run 1", runId: world.ids["napping"], step: "nap" }],
    });
    const all = await world.call("check", "v1", "--status", "completed", "--workflow", "order");
    expect(all.out).toBe("3 the same\n");
  });

  test("says which runs have no code, which counts where it is asked to be strict", async () => {
    await using world = await openExported();
    await world.plant("v2", module(ORDER, ORDER.replaceAll("order", "napping")));
    await world.plant("v3", module(ORDER));
    const lax = await world.call("check", "v3.js", "--runs", "runs.jsonl");
    expect(lax.code).toBe(0);
    expect(lax.out).toContain(
      `– booking version 1, no code: 1 run\n    ${world.ids["booking"]}\n    There is no workflow "booking" here\n`,
    );
    expect(lax.out).toContain("3 the same, 4 without code\n");
    expect(lax.err).toMatch(/^A run that lives and has no code would wait: keep its workflow/);
    const strict = await world.call("check", "v3.js", "--runs", "runs.jsonl", "--strict");
    expect(strict.code).toBe(1);
  });

  test("exits 2 for lines that it cannot read, and says which, but 1 if a run differs, too", async () => {
    await using world = await openExported();
    const file = join(world.folder.path, "runs.jsonl");
    const lines = (await readFile(file, "utf8")).trim().split("\n");
    const [first = ""] = lines;
    await writeFile(file, `${first}\n\n{"format":\n{}\n${first.slice(0, 40)}\n`);
    const { code, out } = await world.call("check", "v1", "--runs", "runs.jsonl");
    expect(code).toBe(2);
    expect(out).toMatch(/^line 3: The text is not valid JSON.*\nline 4: `format` is missing/);
    expect(out).toContain("line 5: ");
    expect(out).toContain("1 the same, 3 unreadable\n");
    await writeFile(file, `${lines.join("\n")}\nnonsense\n`);
    await world.plant("v2", module(NAPPING.replace("lie down", "lie still")));
    expect((await world.call("check", "v2.js", "--runs", "runs.jsonl")).code).toBe(1);
  });

  test("reads what is as deep as an input may be, behind a mark of an editor", async () => {
    await using world = await openWorld();
    await world.run("order", { name: "Ada", deep: nestLists(254) });
    await world.call("runs", "export", "--out", "runs.jsonl");
    const file = join(world.folder.path, "runs.jsonl");
    await writeFile(file, `\ufeff${await readFile(file, "utf8")}`);
    const { code, out } = await world.call("check", "v1", "--runs", "runs.jsonl");
    expect([code, out]).toEqual([0, "1 the same\n"]);
  });

  test("takes a hostile line for one that it cannot read, or for a difference without its tricks", async () => {
    await using world = await openWorld();
    const napping = await world.nap();
    await world.call("runs", "export", "--out", "runs.jsonl");
    const file = join(world.folder.path, "runs.jsonl");
    const record = JSON.parse(await readFile(file, "utf8")) as object;
    const key = `\u001b[2Jlie \u009b31m down\r\u0007${"x".repeat(10_000_000)}`;
    const open = [{ key, position: 1, kind: "timer" }];
    const lines = [
      JSON.stringify({ ...record, open }),
      "[".repeat(100_000),
      "[".repeat(100_000) + "]".repeat(100_000),
      '{"__proto__":{"format":"millrace.replay/1"}}',
      JSON.stringify({ format: "\u001b[2J" }),
    ];
    await writeFile(file, lines.join("\n"));
    const { code, out } = await world.call("check", "v1", "--runs", "runs.jsonl");
    expect(code).toBe(1);
    expect(out).toContain(napping);
    expect(out).toContain("1 differ, 4 unreadable\n");
    expect(out.length).toBeLessThan(4_000);
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test("exits 2 where the file cannot be read", async () => {
    await using world = await openWorld();
    await writeFile(join(world.folder.path, "runs.jsonl"), "{}\n");
    // The system refuses whoever reads from its beginning.
    const { code, err } = await world.call("check", "v1", "--runs", "/proc/self/mem");
    expect(code).toBe(2);
    expect(err).toContain("Cannot read /proc/self/mem.");
  });

  test.for([
    [["nowhere", "--runs", "runs.jsonl"], "There is no file or folder nowhere."],
    [["v1", "--runs", "none.jsonl"], "There is no file none.jsonl of runs."],
    [["v1", "--runs", "empty.jsonl"], "empty.jsonl holds no runs."],
    [["empty.js", "--runs", "runs.jsonl"], "empty.js: no workflow is exported there."],
    [["broken.js", "--runs", "runs.jsonl"], "cannot be loaded: no database"],
    [["v1", "--runs", "runs.jsonl", "--limit", "3"], "choose runs of a server"],
    [[], "missing required argument 'code'"],
  ] as const)("refuses %j with exit code 2", async ([args, sentence]) => {
    await using world = await openWorld();
    await world.plant("empty", "export const nothing = () => 1;");
    await world.plant("broken", `throw new Error("no database");`);
    await writeFile(join(world.folder.path, "empty.jsonl"), "\n");
    await writeFile(join(world.folder.path, "runs.jsonl"), "{}\n");
    const { code, err } = await world.call("check", ...args);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
  });

  test("goes on where a function leaves a rejection behind, and ends its process", async () => {
    await using world = await openWorld();
    await world.run("order");
    await world.call("runs", "export", "--out", "runs.jsonl");
    const stray = ORDER.replace(
      "const paid",
      `void Promise.reject(new Error("stray")); setInterval(() => {}, 1_000); const paid`,
    );
    await world.plant("v2", module(stray));
    const args = ["--conditions=source", MAIN, "check", "v2.js", "--runs", "runs.jsonl"];
    const { stdout } = await run(process.execPath, args, { cwd: world.folder.path });
    expect(stdout).toBe("1 the same\n");
  });

  test("streams a file of 10,000 lines", async () => {
    await using world = await openWorld();
    await world.nap();
    await world.call("runs", "export", "--out", "runs.jsonl");
    const file = join(world.folder.path, "runs.jsonl");
    await writeFile(file, (await readFile(file, "utf8")).repeat(10_000));
    const { code, out } = await world.call("check", "v1", "--runs", "runs.jsonl");
    expect([code, out]).toEqual([0, "10,000 the same\n"]);
  });
});

function nestLists(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

/** Its sleep before its first step. */
function swap(text: string): string {
  const lines = text.split("\n");
  const [head = "", charge = "", sleep = "", ...rest] = lines;
  return [head, sleep, charge, ...rest].join("\n");
}
