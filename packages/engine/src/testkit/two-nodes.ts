// Two nodes on one database, and a third hand that holds locks, so that a race is forced and not hoped for.
import { toTimestamp, type NodeId } from "@millrace/protocol";
import { Client } from "pg";
import {
  createPostgresStorage,
  type PostgresStorageOptions,
} from "../storage/postgres/create-postgres-storage.ts";
import { T0 } from "../storage/suite/builders.ts";
import type { TestClock } from "../storage/suite/harness.ts";
import type { Storage } from "../storage/storage.ts";
import { openMigratedDatabase, type MigratedDatabase } from "./migrated-database.ts";

export const A = "node_a" as NodeId;
export const B = "node_b" as NodeId;

/** A transaction of nobody, in statements of its own. */
export interface Hand {
  run(text: string, values?: readonly unknown[]): Promise<void>;
  commit(): Promise<void>;
}

export interface TwoNodes extends MigratedDatabase {
  readonly a: Storage;
  readonly b: Storage;
  readonly clock: TestClock;
  begin(): Promise<Hand>;
  /** Ends when so many statements wait for another's lock. */
  untilBlocked(count?: number): Promise<void>;
}

export async function openTwoNodes(
  options: Partial<PostgresStorageOptions> = {},
): Promise<TwoNodes> {
  const world = await openMigratedDatabase();
  let now = T0;
  const clock: TestClock = {
    now: () => now,
    advance: (ms) => {
      now = toTimestamp(now + ms);
    },
  };
  const open = async (id: NodeId): Promise<Storage> => {
    const storage = await createPostgresStorage({ url: world.url, now: () => now, ...options });
    await storage.join({ id, host: "test-host", pid: 1 });
    return storage;
  };
  const [a, b] = [await open(A), await open(B)];
  const hands: Client[] = [];
  return {
    ...world,
    a,
    b,
    clock,
    begin: async () => {
      const client = new Client({ connectionString: world.url });
      hands.push(client);
      await client.connect();
      await client.query("begin");
      return {
        run: async (text, values = []) => void (await client.query(text, [...values])),
        commit: async () => void (await client.query("commit")),
      };
    },
    untilBlocked: async (count = 1) => {
      for (let blocked = 0; blocked < count;) {
        const [row] = await world.run(
          "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        blocked = Number(row?.[0]);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(hands.map((client) => client.end()));
      await Promise.all([a.close(), b.close()]);
      await world[Symbol.asyncDispose]();
    },
  };
}
