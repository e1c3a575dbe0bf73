// The statements that move runs find their rows by primary key, also in a store that is so new that the planner knows
// nothing of it: their plans are made once, and the tables grow behind them.
import type { NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openMigratedDatabase, type MigratedDatabase } from "../../testkit/migrated-database.ts";
import {
  aDelivery,
  aFinish,
  aKey,
  anAudit,
  anOutboxMessage,
  aPark,
  aReply,
  aResult,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  refOf,
  T0,
} from "../suite/builders.ts";
import { commit } from "./commit.ts";
import type { Database } from "./database.ts";
import type { Bound } from "./statement.ts";
import { takeRuns } from "./take-runs.ts";
import type { Unit } from "../storage.ts";

const NODE = "node_a" as NodeId;

/** Every statement that moves runs. */
const NAMES: readonly string[] = [
  "append_entries",
  "consume_messages",
  "delete_inbox",
  "delete_journal",
  "delete_runs",
  "find_held",
  "forget_sent",
  "insert_audit_of_message",
  "insert_audit_of_start",
  "insert_first_entries",
  "insert_messages",
  "insert_runs",
  "look_up_deliveries",
  "look_up_run_units",
  "look_up_starts",
  "mark",
  "move_to_history",
  "park_runs",
  "put_keys",
  "put_keys_after_failure",
  "read_taken",
  "read_taken_inboxes",
  "read_taken_journals",
  "refuse_ended",
  "reset_recoveries",
  "send_messages",
  "take_runs",
  "wake_runs",
  "weigh_inbox",
  "weigh_journal",
  "weigh_runs",
];

/** Notes what is sent. */
function note(database: Database, seen: Map<string, string>): Database {
  const hear = (statements: readonly Bound[]): void => {
    for (const { statement } of statements) seen.set(statement.name, statement.text);
  };
  return {
    ...database,
    fly: (purpose, statements) => {
      hear(statements);
      return database.fly(purpose, statements);
    },
    transact: (purpose, body) =>
      database.transact(purpose, (fly) =>
        body((...statements) => {
          hear(statements);
          return fly(...statements);
        }),
      ),
  };
}

/** Each kind of unit once, and a take. @returns texts by name */
async function useAll({ database, run }: MigratedDatabase): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  const noted = note(database, seen);
  await run(
    "insert into millrace.nodes (id, host, pid, joined_at, lease_until) values ('node_a', 'h', 1, 0, 0)",
  );
  let place = 0;
  const nextPlace = (): number => (place += 1);
  const send = async (...units: readonly Unit[]): Promise<void> => {
    await commit(noted, { node: NODE, now: T0, nextPlace, units });
  };
  const [one, other] = [aRun(), aRun()];
  const entries = [aResult("a")];
  const key = aKey();
  await send(
    aStart(one, { owner: NODE, key, entries, audit: anAudit() }),
    aStart(other, { key: aKey({ key: "k2", reusesAfterFailure: true }) }),
  );
  // Its key is another's: it is looked up.
  await send(aStart(aRun({ shard: one.shard }), { key }));
  await send(aDelivery(one, aReply("m1"), anAudit()));
  await send(aDelivery(aRun()));
  const [held] = await takeRuns(noted, NODE, [dueOf(other), dueOf(aRun())], T0);
  if (held === undefined) throw new Error("the run was not taken");
  const outbox = [anOutboxMessage("o")];
  await send(aRunUnit(held, { entries, outbox, consumed: ["m"], recovered: true }));
  await send({ kind: "sent", from: refOf(other), ids: ["o"] });
  await send(aRunUnit(held));
  await send(aRunUnit(held, { next: aPark(held) }));
  // Not held any more: it is looked up.
  await send(aFinish(held));
  return seen;
}

/** What each statement reads by which index, but for a function's rows. */
async function planOf({ run }: MigratedDatabase, text: string): Promise<readonly string[]> {
  const parameters = Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)));
  await run(`prepare it as ${text}`);
  try {
    const nulls = Array.from({ length: parameters }, () => "null").join(", ");
    const rows = await run(`explain (costs off) execute it(${nulls})`);
    return rows.flatMap(
      ([line]) => /(?:Index (?:Only )?|Seq )Scan.* on \w+/.exec(String(line)) ?? [],
    );
  } finally {
    await run("deallocate it");
  }
}

describe.each([15, 18] as const)("on an empty PostgreSQL %i", (major) => {
  test("writes find runs, entries, messages and keys by their primary keys", async () => {
    await using world = await openMigratedDatabase(major);
    const statements = await useAll(world);
    expect([...statements.keys()].toSorted()).toEqual(NAMES);
    const scans = new Set<string>();
    for (const [name, text] of statements) {
      for (const scan of await planOf(world, text)) {
        if (!/Scan using (\w+)_pkey on \1$/.test(scan)) scans.add(`${name}: ${scan}`);
      }
    }
    expect([...scans]).toEqual([
      "look_up_starts: Index Scan using runs_names on runs",
      "weigh_inbox: Index Scan using inbox_waiting on inbox",
      "read_taken_inboxes: Index Scan using inbox_waiting on inbox",
    ]);
  });
});
