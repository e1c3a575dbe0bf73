import { Client } from "pg";

export interface Emptying {
  /** All tables of the store, which stays migrated. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** @param url of a migrated store */
export async function prepareEmptying(url: string): Promise<Emptying> {
  const client = new Client({ connectionString: url });
  // Its queries reject as well; this is for when it has none.
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'millrace' and tablename <> 'migrations'",
  );
  // Deleting a few rows of each table is quicker than `truncate`, which makes new files.
  const text = rows.map(({ name }) => `delete from millrace.${name}`).join("; ");
  return {
    empty: async () => {
      await client.query(text);
    },
    close: () => client.end(),
  };
}
