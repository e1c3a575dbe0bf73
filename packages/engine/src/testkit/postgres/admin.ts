import { Client } from "pg";

export type Row = Readonly<Record<string, unknown>>;

/** Runs statements on a connection of its own, in their order. @returns the rows of the last */
export async function runStatements(
  url: string,
  ...statements: readonly string[]
): Promise<readonly Row[]> {
  return withClient(url, async (client) => {
    let rows: readonly Row[] = [];
    for (const text of statements) rows = (await client.query<Record<string, unknown>>(text)).rows;
    return rows;
  });
}

/** A connection for as long as the work takes. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  // Its queries reject as well; this is for when it has none.
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
