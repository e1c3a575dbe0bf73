import { afterAll, describe, expect, test } from "vitest";
import { keepStores } from "../../testkit/postgres-stores/keep-stores.ts";
import { openKeptStore } from "../../testkit/postgres-stores/open-kept-store.ts";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { checkSchema } from "../../testkit/sql-gate/check-schema.ts";
import { expectGate, recordStatements } from "../../testkit/sql-gate/recorded-statements.ts";
import { createOpenStorage, storageSuite } from "../suite/index.ts";
import { MIGRATIONS } from "./migrations/list.ts";
import { BEAT, JOIN } from "./pulse.ts";

const recorded = recordStatements();
// They are sent from the heartbeat's thread.
for (const { text } of [BEAT, JOIN]) recorded.add(text);

describe.each([15, 18] as const)("PostgreSQL %i storage", (major) => {
  const stores = keepStores(async (now) =>
    openKeptStore(await createTestDatabase(major), { now, onStatement: recorded.add }),
  );
  storageSuite(createOpenStorage((now) => stores.open(now)));
  afterAll(() => stores.close());
});

/** What a sharded database would refuse, or do wrong. */
const PLANTED = [
  { rule: "lock.shard", text: "select id from millrace.runs where id = $1 for update" },
  {
    rule: "write.shard",
    text: "update millrace.runs set owner = $2 where tenant = $3 and id = $1",
  },
  { rule: "lock.advisory", text: "select pg_advisory_xact_lock($1)" },
];

// After the suite, which is what sends them.
describe("the statements of the suite", () => {
  test.each(["postgres", "citus", "yugabyte", "cockroach"] as const)(
    "may all be sent with the profile %s",
    async (profile) => {
      await expect(expectGate(recorded.texts, { profile })).resolves.toBeUndefined();
    },
  );

  test.each(PLANTED)("are looked at: the gate finds $rule", async ({ rule, text }) => {
    await expect(expectGate([...recorded.texts, text], {})).rejects.toThrow(
      `1 findings in ${recorded.texts.length + 1} statements:\n${rule} `,
    );
  });
});

describe("the schema", () => {
  const sql = MIGRATIONS.map((migration) => migration.sql);

  test("holds the shard in each key of run data", async () => {
    expect(await checkSchema(sql.join("\n"))).toEqual([]);
  });

  test.each([
    ["key.shard", "create unique index planted on millrace.runs (tenant, name);"],
    [
      "foreign-key.present",
      "alter table millrace.keys add foreign key (tenant) references millrace.runs (tenant);",
    ],
    ["sequence.present", "create sequence millrace.planted;"],
  ])("is looked at: the gate finds %s", async (rule, planted) => {
    expect(await checkSchema([...sql, planted].join("\n"))).toMatchObject([{ rule }]);
  });
});
