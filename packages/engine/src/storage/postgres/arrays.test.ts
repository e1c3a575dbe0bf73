import { array, assert, asyncProperty, integer, maxSafeInteger, option, string } from "fast-check";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import type { TestDatabase } from "../../testkit/postgres/start-postgres.ts";
import { Batch, encodeArray, unnest, type ColumnKind } from "./arrays.ts";
import type { Row } from "../rows/cells.ts";

describe("an array", () => {
  let database: TestDatabase;
  let client: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client(database.url);
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  async function readBack(kind: ColumnKind, cells: Row): Promise<readonly (string | null)[]> {
    const text = `select value::text from ${unnest([kind])} with ordinality u(value, at) order by at`;
    const found = await client.query({
      text,
      values: [encodeArray(kind, cells)],
      rowMode: "array",
    });
    // Each row has one column, a text.
    return (found.rows as (string | null)[][]).flat();
  }

  test.each([
    ["text", string({ unit: "grapheme" }).filter((text) => !text.includes("\0"))],
    ["small", integer({ min: -32_768, max: 32_767 })],
    ["int", integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
    ["big", maxSafeInteger()],
  ] as const)(
    "of %s comes back from the database as it was sent, nulls too",
    async (kind, cell) => {
      await assert(
        asyncProperty(array(option<string | number>(cell), { maxLength: 20 }), async (cells) => {
          const expected = cells.map((it) => (it === null ? null : String(it)));
          expect(await readBack(kind, cells)).toEqual(expected);
        }),
        { numRuns: 50 },
      );
    },
  );

  test("refuses a cell that its column cannot hold, and says which", () => {
    expect(() => encodeArray("big", [1.5])).toThrow("1.5 is not a whole number");
    expect(() => encodeArray("small", [40_000])).toThrow(RangeError);
    expect(() => encodeArray("text", [1])).toThrow("1 is not a text");
  });
});

describe("a batch", () => {
  test("refuses a row that has another number of cells than it has columns", () => {
    expect(() => new Batch("text", "int").add(["a"])).toThrow("1 cells for 2 columns");
  });
});
