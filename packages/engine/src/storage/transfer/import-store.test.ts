import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { after, asJsonText, DEFAULT_TENANT, shardOfEvent, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { openPostgresTarget } from "../postgres/dump-target.ts";
import { createPostgresStorage } from "../postgres/create-postgres-storage.ts";
import { createSqliteStorage } from "../sqlite/create-sqlite-storage.ts";
import { openDatabase } from "../sqlite/database.ts";
import { openSqliteSource } from "../sqlite/dump-source.ts";
import { openSqliteTarget } from "../sqlite/dump-target.ts";
import type { Storage } from "../storage.ts";
import { BROKEN_IMPORT } from "../store-marks.ts";
import { aFinish, anAudit, aRun, aStart, dueOf, refOf, T0 } from "../suite/builders.ts";
import { createTestFolder, type TestFolder } from "../suite/test-folder.ts";
import { DUMP_TABLES, type DumpTable } from "./dump-tables.ts";
import { exportStore, type ExportReport } from "./export-store.ts";
import { importStore } from "./import-store.ts";
import type { StoreTarget } from "./store-dump.ts";

const NODE = "node_a" as NodeId;
const RUNS = 30;

/** A store with runs that have ended, that live, and rows of the audit. */
async function fillFile(path: string): Promise<void> {
  const storage = await createSqliteStorage({ path });
  await storage.migrate();
  await storage.join({ id: NODE, host: "h", pid: 1 });
  const runs = Array.from({ length: RUNS }, () => aRun());
  const audit = anAudit({ at: T0 });
  await storage.commit(
    0,
    NODE,
    runs.map((run) => aStart(run, { audit })),
  );
  const held = await storage.take(
    NODE,
    runs.slice(0, RUNS / 2).map((run) => dueOf(run)),
  );
  await storage.commit(
    0,
    NODE,
    held.map((one) => aFinish(one)),
  );
  await storage.close();
}

async function makeExport(folder: TestFolder, name = "all.jsonl"): Promise<ExportReport> {
  const path = folder.file("from.db");
  await fillFile(path);
  return exportStore({ source: await openSqliteSource(path), file: folder.file(name) });
}

const neverOpened = (): Promise<StoreTarget> => {
  throw new Error("the store was opened");
};

/** The same lines with others in place, and a checksum that fits. */
function rewrite(file: string, change: (lines: string[]) => void): void {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -2);
  change(lines);
  const body = lines.map((line) => `${line}\n`).join("");
  const counts: Record<string, number> = {};
  for (const line of lines.slice(1)) {
    // The rows of an export.
    const [name] = JSON.parse(line) as [string];
    counts[name] = (counts[name] ?? 0) + 1;
  }
  const sha256 = createHash("sha256").update(body).digest("hex");
  writeFileSync(file, `${body}${JSON.stringify({ end: true, counts, sha256 })}\n`);
}

describe("an export", () => {
  test("tells its rows, and is private to its owner", async () => {
    using folder = createTestFolder();
    const report = await makeExport(folder, "all.jsonl.gz");
    const counts = { runs: RUNS / 2, history: RUNS / 2, audit: RUNS, catalog: 0 };
    expect(report).toMatchObject({ path: folder.file("all.jsonl.gz"), isLive: false, counts });
    const lines = gunzipSync(readFileSync(report.path)).toString().trimEnd().split("\n");
    expect(lines).toHaveLength(2 + 2 * RUNS);
    expect(existsSync(`${report.path}.part`)).toBe(false);
    expect(statSync(report.path).mode & 0o077).toBe(0);
  });

  test("says that a server works on the store", async () => {
    using folder = createTestFolder();
    const path = folder.file("from.db");
    await fillFile(path);
    const server = await createSqliteStorage({ path });
    const source = await openSqliteSource(path);
    expect(source.isLive).toBe(true);
    await source.close();
    await server.close();
  });

  test("overwrites nothing", async () => {
    using folder = createTestFolder();
    writeFileSync(folder.file("all.jsonl"), "precious");
    await expect(makeExport(folder)).rejects.toMatchObject({ code: "option.invalid" });
    expect(readFileSync(folder.file("all.jsonl"), "utf8")).toBe("precious");
  });

  test("leaves nothing behind when it breaks off", async () => {
    using folder = createTestFolder();
    const path = folder.file("from.db");
    await fillFile(path);
    const source = await openSqliteSource(path);
    const file = folder.file("all.jsonl");
    const broken = {
      ...source,
      // oxlint-disable-next-line require-yield -- it fails before its first row
      rows: async function* () {
        throw new Error("the disk is gone");
      },
    };
    await expect(exportStore({ source: broken, file })).rejects.toThrow("the disk is gone");
    expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false]);
  });
});

describe("a file that is torn or changed", () => {
  test.each([
    ["in its last line", "all.jsonl", 10],
    ["before its last line", "all.jsonl", null],
    ["where it is compressed", "all.jsonl.gz", 10],
  ])("%s is refused before the store is touched", async (_, name, bytes) => {
    using folder = createTestFolder();
    const { path, sizeBytes } = await makeExport(folder, name);
    const last = (): number => readFileSync(path).lastIndexOf("\n", sizeBytes - 2) + 1;
    truncateSync(path, bytes === null ? last() : sizeBytes - bytes);
    await expect(importStore({ file: path, openTarget: neverOpened })).rejects.toMatchObject({
      code: "option.invalid",
      message: expect.stringContaining("is torn") as unknown,
    });
  });

  test.each<[string, (text: string) => string]>([
    ["a cell of another value", (text) => text.replace('"{\\"n\\":1}"', '"{\\"n\\":2}"')],
    ["a row less", (text) => text.split("\n").toSpliced(5, 1).join("\n")],
    ["a line behind its end", (text) => `${text}["slots","t","k","r",1]\n`],
  ])("with %s is refused", async (_, change) => {
    using folder = createTestFolder();
    const { path } = await makeExport(folder);
    const text = readFileSync(path, "utf8");
    const changed = change(text);
    expect(changed).not.toBe(text);
    writeFileSync(path, changed);
    await expect(importStore({ file: path, openTarget: neverOpened })).rejects.toThrow("is torn");
  });

  test.each<[string, string, (lines: string[]) => void]>([
    ["another format", "storage.newer", (lines) => (lines[0] = '{"millrace":"export","format":2}')],
    [
      "a column that is not known",
      "storage.newer",
      (lines) => (lines[0] = lines[0]?.replace('"slots":["tenant"', '"slots":["weight"') ?? ""),
    ],
    ["another content", "option.invalid", (lines) => (lines[0] = '{"hello":"world"}')],
    [
      "a row of another width",
      "option.invalid",
      (lines) => lines.push(JSON.stringify(["slots", "default"])),
    ],
    [
      "a number in place of a text",
      "option.invalid",
      (lines) => lines.push(JSON.stringify(["slots", 1, "k", "r", 1])),
    ],
  ])("with %s is refused as %s", async (_, code, change) => {
    using folder = createTestFolder();
    const { path } = await makeExport(folder);
    rewrite(path, change);
    const refused = importStore({ file: path, openTarget: neverOpened });
    await expect(refused).rejects.toMatchObject({ code });
  });

  test("whose rows lack a column that may be null is older, and taken", async () => {
    using folder = createTestFolder();
    const { path } = await makeExport(folder);
    rewrite(path, (lines) => {
      lines[0] = lines[0]?.replace('"gate"]', "]").replace(",]", "]") ?? "";
      for (const [i, line] of lines.entries())
        if (line.startsWith('["runs",')) lines[i] = line.replace(/,null\]$/, "]");
    });
    const to = folder.file("to.db");
    await importStore({ file: path, openTarget: () => openSqliteTarget(to) });
    const database = openDatabase(to, { readOnly: true });
    expect(database.prepare("select count(*) from runs").get()).toEqual([RUNS / 2]);
    database.close();
  });
});

interface Target {
  open(): Promise<StoreTarget>;
  /** As a server would. @returns the ids of the catalog's marks */
  readMarks(): Promise<readonly string[]>;
  /** Somebody works on it. */
  use(): Promise<void>;
  drop(): Promise<void>;
}

function fileTarget(folder: TestFolder): Promise<Target> {
  const path = folder.file("to.db");
  const marks = async (): Promise<readonly string[]> => {
    const storage = await createSqliteStorage({ path });
    const found = await storage.catalog.list(DEFAULT_TENANT, "store", null, 10);
    await storage.close();
    return found.map(({ id }) => id);
  };
  return Promise.resolve({
    open: () => openSqliteTarget(path),
    readMarks: marks,
    use: () => fillFile(path),
    drop: () => Promise.resolve(),
  });
}

async function databaseTarget(): Promise<Target> {
  const { url, drop } = await createTestDatabase();
  return {
    open: () => openPostgresTarget(url),
    readMarks: async () => {
      const storage = await createPostgresStorage({ url });
      const found = await storage.catalog.list(DEFAULT_TENANT, "store", null, 10);
      await storage.close();
      return found.map(({ id }) => id);
    },
    use: async () => {
      const storage = await createPostgresStorage({ url });
      await storage.migrate();
      await storage.join({ id: NODE, host: "h", pid: 1 });
      await storage.commit(0, NODE, [aStart()]);
      await storage.close();
    },
    drop,
  };
}

describe.each([
  ["a SQLite file", fileTarget],
  ["a PostgreSQL database", databaseTarget],
])("an import into %s", (_, create) => {
  test("ends paused, and tells how far it is", async () => {
    using folder = createTestFolder();
    const target = await create(folder);
    const { path, counts } = await makeExport(folder);
    const told: string[] = [];
    const report = await importStore({
      file: path,
      openTarget: () => target.open(),
      onProgress: (doing, done, total) => told.push(`${doing} ${done} of ${total}`),
    });
    expect(report.counts).toEqual(counts);
    expect(told.at(-1)).toBe(`imported ${2 * RUNS} of ${2 * RUNS}`);
    expect(await target.readMarks()).toEqual(["paused"]);
    await target.drop();
  });

  test("is refused where anything is, and leaves that as it is", async () => {
    using folder = createTestFolder();
    const target = await create(folder);
    await target.use();
    const from = createTestFolder();
    const { path } = await makeExport(from);
    const refused = importStore({ file: path, openTarget: () => target.open() });
    await expect(refused).rejects.toMatchObject({
      code: "option.invalid",
      message: expect.stringContaining("is not empty") as unknown,
    });
    expect(await target.readMarks()).toEqual([]);
    from[Symbol.dispose]();
    await target.drop();
  });

  test.each([0, 1, 2])(
    "that is killed after %i batches leaves a store that says so, and takes no other import",
    async (batches) => {
      using folder = createTestFolder();
      const target = await create(folder);
      const { path } = await makeExport(folder);
      let left = batches;
      const dying = async (): Promise<StoreTarget> => {
        const opened = await target.open();
        return {
          ...opened,
          insert: (...given) => {
            left -= 1;
            return left < 0 ? Promise.reject(new Error("killed")) : opened.insert(...given);
          },
        };
      };
      const killed = importStore({ file: path, openTarget: dying });
      await expect(killed).rejects.toThrow("killed");
      expect(await target.readMarks()).toEqual(["importing"]);
      const again = importStore({ file: path, openTarget: () => target.open() });
      await expect(again).rejects.toThrow(BROKEN_IMPORT);
      await target.drop();
    },
  );
});

describe("events that have moved", () => {
  test("come before those that are published in the same millisecond later", async () => {
    using folder = createTestFolder();
    await using database = await openMigratedDatabase();
    const [name, run] = ["order.paid", aRun()];
    const shard = shardOfEvent(DEFAULT_TENANT, name);
    const now = (): number => T0;
    const publish = (storage: Storage, id: string): Promise<unknown> =>
      storage.commit(0, NODE, [
        {
          kind: "publish",
          tenant: DEFAULT_TENANT,
          shard,
          event: { id, name, data: asJsonText("1"), publishedAt: T0 },
          expiresAt: after(T0, 1_000),
        },
      ]);
    const path = folder.file("from.db");
    const first = await createSqliteStorage({ path, now });
    await first.migrate();
    await first.join({ id: NODE, host: "h", pid: 1 });
    for (const id of ["z", "b"]) await publish(first, id);
    await first.close();
    const file = folder.file("all.jsonl");
    await exportStore({ source: await openSqliteSource(path), file });
    await importStore({ file, openTarget: () => openPostgresTarget(database.url) });

    const second = await createPostgresStorage({ url: database.url, now });
    await second.join({ id: NODE, host: "h", pid: 1 });
    await publish(second, "a");
    const found: unknown[] = [];
    for (const key of ["one", "two", "three"]) {
      const expiresAt = after(T0, 1_000);
      const waits = { event: name, key, since: T0, until: null, expiresAt } as const;
      const outcomes = await second.commit(0, NODE, [
        { kind: "subscribe", run: refOf(run), shard, ...waits },
      ]);
      found.push(...outcomes.map((it) => (it.kind === "subscribed" ? it.found?.id : it)));
    }
    await second.close();
    expect(found).toEqual(["z", "b", "a"]);
  });
});

describe("a database on which a node works", () => {
  test("takes no import, and is as it was", async () => {
    using folder = createTestFolder();
    await using database = await openMigratedDatabase();
    const { path } = await makeExport(folder);
    const storage = await createPostgresStorage({ url: database.url });
    await storage.join({ id: NODE, host: "otherhost", pid: 7 });
    const refused = importStore({ file: path, openTarget: () => openPostgresTarget(database.url) });
    await expect(refused).rejects.toThrow("Process 7 on host otherhost works on this database");
    expect(await database.run("select id from millrace.catalog")).toEqual([]);
    await storage.close();
  });
});

/** What stays: who works, what counts a minute, what numbers rows, and what a database keeps for itself. */
const LEFT: Readonly<Record<string, readonly string[]>> = {
  runs: ["owner"],
  audit: ["sequence"],
  events: ["place"],
  outbox: ["place", "sent_at"],
};
const LEFT_TABLES = new Set(["event_names", "key_windows", "migrations", "nodes"]);

const namesOf = ({ name, columns }: DumpTable): readonly string[] =>
  columns.map((column) => `${name}.${column.name}`).toSorted();

describe("the tables that move", () => {
  const moving = DUMP_TABLES.flatMap(namesOf).toSorted();
  const isLeft = (table: string, column: string): boolean =>
    LEFT_TABLES.has(table) || LEFT[table]?.includes(column) === true;

  test("are all that a SQLite store has", async () => {
    using folder = createTestFolder();
    await fillFile(folder.file("store.db"));
    const database = openDatabase(folder.file("store.db"), { readOnly: true });
    const found = database
      .prepare(
        `select t.name, c.name, c."notnull" from sqlite_schema t join pragma_table_info(t.name) c
         where t.type = 'table' and t.name not like 'sqlite_%'`,
      )
      .all();
    database.close();
    const names = found.flatMap(([table, column]) =>
      isLeft(String(table), String(column)) ? [] : `${table}.${column}`,
    );
    expect(names.toSorted()).toEqual(moving);
    expect(nullable(found.map(([table, column, no]) => [table, column, no === 0]))).toEqual(
      NULLABLE,
    );
  });

  test("are all that a PostgreSQL store has", async () => {
    await using database = await openMigratedDatabase();
    const found = await database.run(
      "select table_name, column_name, is_nullable = 'YES' from information_schema.columns where table_schema = 'millrace'",
    );
    const names = found.flatMap(([table, column]) =>
      isLeft(String(table), String(column)) ? [] : `${String(table)}.${String(column)}`,
    );
    expect(names.toSorted()).toEqual(moving);
    expect(nullable(found)).toEqual(NULLABLE);
  });

  const NULLABLE = DUMP_TABLES.flatMap(({ name, columns }) =>
    columns.flatMap((column) => (column.isNullable ? `${name}.${column.name}` : [])),
  ).toSorted();
  const nullable = (found: readonly (readonly unknown[])[]): readonly string[] =>
    found
      .flatMap(([table, column, isNullable]) =>
        isNullable === true && !isLeft(String(table), String(column))
          ? `${String(table)}.${String(column)}`
          : [],
      )
      .toSorted();
});
