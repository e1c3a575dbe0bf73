import { withClient, type Row } from "../../packages/engine/src/testkit/postgres/admin.ts";

/** Runs a statement on a connection of its own. @returns its first row; none: an empty one */
export function readRow(url: string, text: string, values: readonly unknown[] = []): Promise<Row> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(text, [...values]);
    return rows[0] ?? {};
  });
}

/** The same, of a row of numbers: `int8` arrives as text. */
export async function readNumbers<K extends string>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Readonly<Record<K, number>>> {
  const row = await readRow(url, text, values);
  // The statement names its columns as the caller does.
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Number(value)]),
  ) as Record<K, number>;
}
