import { describe, expect, test } from "vitest";
import { aFault } from "../suite/index.ts";
import { runStatements } from "../../testkit/postgres/admin.ts";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/list.ts";

const IDS = "select id from millrace.migrations order by id";

describe("migrating", () => {
  test("is done once when many nodes start together, and all of them go on (fault 17)", async () => {
    await using database = await createTestDatabase();
    const config = { connectionString: database.url };
    await Promise.all(Array.from({ length: 30 }, () => migrate(config)));
    expect(await runStatements(database.url, IDS)).toEqual(MIGRATIONS.map(({ id }) => ({ id })));
  });

  test("goes on where a node that was killed left off", async () => {
    await using database = await createTestDatabase();
    const config = { connectionString: database.url };
    const failing = { id: 99, name: "failing", sql: "-- breaking: no\nselect 1 / 0" };
    await expect(migrate(config, { migrations: [...MIGRATIONS, failing] })).rejects.toThrow(
      "division by zero",
    );
    expect(await runStatements(database.url, IDS)).toEqual(MIGRATIONS.map(({ id }) => ({ id })));
    await migrate(config, {
      migrations: [...MIGRATIONS, { ...failing, sql: "-- breaking: no\nselect 1" }],
    });
    expect(await runStatements(database.url, IDS)).toHaveLength(MIGRATIONS.length + 1);
  });

  test("refuses a store that a newer version has changed in what this one relies on (fault 29)", async () => {
    await using database = await createTestDatabase();
    const config = { connectionString: database.url };
    const newer = { id: 99, name: "newer", sql: "-- breaking: yes\nselect 1" };
    await migrate(config, { migrations: [...MIGRATIONS, newer] });
    await expect(migrate(config)).rejects.toEqual(aFault("storage.newer"));
  });

  test("works beside a newer version whose changes break nothing (fault 30)", async () => {
    await using database = await createTestDatabase();
    const config = { connectionString: database.url };
    const newer = { id: 99, name: "newer", sql: "-- breaking: no\nselect 1" };
    await migrate(config, { migrations: [...MIGRATIONS, newer] });
    await migrate(config);
    expect(await runStatements(database.url, IDS)).toHaveLength(MIGRATIONS.length + 1);
  });

  test("needs no right to change the schema where nothing is to be changed", async () => {
    await using database = await createTestDatabase();
    await migrate({ connectionString: database.url });
    await runStatements(
      database.url,
      "create role plain login; grant usage on schema millrace to plain; grant select on all tables in schema millrace to plain",
    );
    try {
      const url = new URL(database.url);
      url.username = "plain";
      await expect(migrate({ connectionString: url.href })).resolves.toBeUndefined();
    } finally {
      await runStatements(database.url, "drop owned by plain; drop role plain");
    }
  });
});
