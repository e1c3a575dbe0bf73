import type { NodeId } from "@millrace/protocol";
import { expect, test } from "vitest";
import {
  aDelivery,
  anOutboxMessage,
  aPark,
  aReply,
  aResult,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  T0,
} from "../suite/builders.ts";
import { createTestFolder } from "../suite/index.ts";
import { createSqliteStorage, type SqliteStorage } from "./create-sqlite-storage.ts";
import { openDatabase } from "./database.ts";

const NODE = "node_a" as NodeId;

async function open(path: string): Promise<SqliteStorage> {
  const storage = await createSqliteStorage({ path });
  await storage.migrate();
  return storage;
}

test("a row that cannot be read is named, and does not hold up the runs that are taken with its own", async () => {
  using folder = createTestFolder();
  const path = folder.file("store.db");
  const runs = [aRun(), aRun(), aRun(), aRun()] as const;
  const before = await open(path);
  await before.join({ id: NODE, host: "h", pid: 1 });
  await before.commit(
    0,
    NODE,
    runs.map((run) => aStart(run)),
  );
  for (const held of await before.take(
    NODE,
    runs.map((run) => dueOf(run)),
  )) {
    const next = aPark(held, { dueAt: T0 });
    await before.commit(0, NODE, [aRunUnit(held, { entries: [aResult("a"), aResult("b")], next })]);
    await before.commit(0, NODE, [aDelivery(held.run, aReply("m"))]);
  }
  await before.close();
  const [unknown, damaged, muddled, fine] = runs;
  const database = openDatabase(path);
  database.exec(`update journal set kind = 'verdict' where run = '${unknown.id}' and sequence = 2`);
  database.exec(
    `update journal set kind = 'wait', body = '{' where run = '${damaged.id}' and sequence = 1`,
  );
  database.exec(`update inbox set body = '' where run = '${muddled.id}'`);
  database.close();
  const after = await open(path);
  await after.join({ id: NODE, host: "h", pid: 2 });
  const held = await after.take(
    NODE,
    runs.map((run) => dueOf(run, 2)),
  );
  expect(held.map(({ run }) => run.id)).toEqual(runs.map(({ id }) => id));
  expect(held.map(({ unreadable }) => unreadable)).toEqual([
    'journal entry 2 cannot be read: its kind "verdict" is unknown',
    expect.stringMatching(/^journal entry 1 cannot be read: .*JSON/),
    expect.stringMatching(/^inbox message 1 cannot be read: .*JSON/),
    undefined,
  ]);
  expect(held.at(-1)).toMatchObject({
    run: { id: fine.id },
    journal: [aResult("a"), aResult("b")],
  });
  await after.close();
});

test("a message that cannot be read is named, and the others are given", async () => {
  using folder = createTestFolder();
  const path = folder.file("store.db");
  const runs = [aRun(), aRun()] as const;
  const [sent, reply] = [anOutboxMessage("o"), aReply("m")];
  const storage = await open(path);
  await storage.join({ id: NODE, host: "h", pid: 1 });
  await storage.commit(
    0,
    NODE,
    runs.map((run) => aStart(run)),
  );
  for (const held of await storage.take(
    NODE,
    runs.map((run) => dueOf(run)),
  )) {
    await storage.commit(0, NODE, [aRunUnit(held, { outbox: [sent] })]);
    await storage.commit(0, NODE, [aDelivery(held.run, reply)]);
  }
  const [unknown, fine] = runs;
  const database = openDatabase(path);
  database.exec(`update outbox set kind = 'verdict' where run = '${unknown.id}'`);
  database.exec(`update inbox set body = '{"kind":"verdict"}' where run = '${unknown.id}'`);
  database.close();
  const inbox = await storage.read({ kind: "inbox", node: NODE, limit: 9 });
  expect(Object.fromEntries(inbox.map(({ to, ...rest }) => [to.runId, rest]))).toEqual({
    [unknown.id]: { unreadable: 'inbox message m cannot be read: its kind "verdict" is unknown' },
    [fine.id]: { message: reply },
  });
  const outbox = await storage.read({ kind: "outbox", limit: 9 });
  expect(Object.fromEntries(outbox.map(({ from, ...rest }) => [from.runId, rest]))).toEqual({
    [unknown.id]: { unreadable: 'outbox message o cannot be read: its kind "verdict" is unknown' },
    [fine.id]: { message: sent },
  });
  await storage.close();
});
