import { describe, expect, test } from "vitest";
import {
  openTestServer,
  type Answered,
  type TestServer,
} from "../../../../../tools/testkit/open-test-server.ts";

const PATH = "/api/v1/audit";
const target = { kind: "http", url: "https://example.com" };

/** Three functions by one key, and a deletion by another. */
async function openWorld(): Promise<TestServer & { readonly other: string }> {
  const server = await openTestServer();
  const other = await server.newKey(["*"]);
  for (const name of ["one", "two", "three"]) {
    await server.send("PUT", `/api/v1/functions/${name}`, { body: { target } });
  }
  await server.send("DELETE", "/api/v1/functions/one", { key: other });
  return { ...server, other };
}

interface Row {
  readonly action: string;
  readonly target: string;
  readonly at: string;
}

const rowsOf = ({ text }: Answered): readonly Row[] =>
  (JSON.parse(text) as { readonly data: readonly Row[] }).data;

const ask = async (server: TestServer, query: string): Promise<readonly string[]> =>
  rowsOf(await server.send("GET", `${PATH}?${query}`)).map((row) => `${row.action} ${row.target}`);

const CHANGES = [
  "function.delete one",
  "function.create three",
  "function.create two",
  "function.create one",
];

describe("the audit log", () => {
  test("is newest first, and goes on page by page", async () => {
    await using server = await openWorld();
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const more: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const answer: Answered = await server.send("GET", `${PATH}?limit=4${more}`);
      seen.push(...rowsOf(answer).map((row) => `${row.action} ${row.target}`));
      cursor = answer.body.meta.cursor;
    }
    expect(seen.slice(0, 4)).toEqual(CHANGES);
    // With the two keys that were made.
    expect(seen).toHaveLength(6);
  });

  test("is filtered by action, by key and by time", async () => {
    await using server = await openWorld();
    expect(await ask(server, "action=function.create")).toEqual(CHANGES.slice(1));
    expect(await ask(server, `key=${server.other.slice(3, 15)}`)).toEqual(CHANGES.slice(0, 1));
    expect(await ask(server, "action=function.create&limit=1")).toEqual(CHANGES.slice(1, 2));
    const [newest] = rowsOf(await server.send("GET", PATH));
    expect(await ask(server, `since=${newest?.at}`)).toContain(CHANGES[0]);
    expect(await ask(server, "since=2100-01-01T00:00:00Z")).toEqual([]);
  });

  test("goes on where a page was left off, though it is empty", async () => {
    await using server = await openTestServer({
      replaced: { listAudit: () => Promise.resolve({ rows: [], next: 17 }) },
    });
    const { body } = await server.send("GET", `${PATH}?action=key.create`);
    expect([body.data, body.meta]).toEqual([[], { cursor: "17", hasMore: true }]);
  });

  test.each(["since=yesterday", "since=2027-01-01", "action=", "key=%00", "cursor=x"])(
    "refuses %s",
    async (query) => {
      await using server = await openTestServer();
      const { status, body } = await server.send("GET", `${PATH}?${query}`);
      expect([status, body.error.reason]).toEqual([400, "request.invalid"]);
    },
  );
});
