import { expect, test } from "vitest";
import { A, openTwoNodes } from "../../testkit/two-nodes.ts";
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
  refOf,
  T0,
} from "../suite/builders.ts";

test("a row that cannot be read is named, and does not hold up the runs that are taken with its own", async () => {
  await using nodes = await openTwoNodes();
  const runs = [aRun(), aRun()] as const;
  const [unknown, fine] = runs;
  await nodes.a.commit(
    0,
    A,
    runs.map((run) => aStart(run)),
  );
  for (const held of await nodes.a.take(
    A,
    runs.map((run) => dueOf(run)),
  )) {
    const next = aPark(held, { dueAt: T0 });
    await nodes.a.commit(0, A, [aRunUnit(held, { entries: [aResult("a")], next })]);
  }
  await nodes.run("update millrace.journal set kind = 'verdict' where run = $1", [unknown.id]);
  const held = await nodes.a.take(
    A,
    runs.map((run) => dueOf(run, 2)),
  );
  expect(held).toMatchObject([
    {
      run: { id: unknown.id, fence: 3 },
      journal: [],
      unreadable: 'journal entry 1 cannot be read: its kind "verdict" is unknown',
    },
    { run: { id: fine.id, fence: 3 }, journal: [aResult("a")] },
  ]);
});

test("a message that cannot be read is named, and the others are given", async () => {
  await using nodes = await openTwoNodes();
  const runs = [aRun(), aRun()] as const;
  const [sent, reply] = [anOutboxMessage("o"), aReply("m")];
  const [unknown, fine] = runs;
  await nodes.a.commit(
    0,
    A,
    runs.map((run) => aStart(run)),
  );
  for (const held of await nodes.a.take(
    A,
    runs.map((run) => dueOf(run)),
  )) {
    await nodes.a.commit(0, A, [aRunUnit(held, { outbox: [sent] })]);
    await nodes.a.commit(0, A, [aDelivery(held.run, reply)]);
  }
  await nodes.run("update millrace.outbox set kind = 'verdict' where run = $1", [unknown.id]);
  await nodes.run(`update millrace.inbox set body = '{"kind":"verdict"}' where run = $1`, [
    unknown.id,
  ]);
  const inbox = await nodes.a.read({ kind: "inbox", node: A, limit: 9 });
  expect(Object.fromEntries(inbox.map(({ to, ...rest }) => [to.runId, rest]))).toEqual({
    [unknown.id]: { unreadable: 'inbox message m cannot be read: its kind "verdict" is unknown' },
    [fine.id]: { message: reply },
  });
  const outbox = await nodes.a.read({ kind: "outbox", limit: 9 });
  expect(Object.fromEntries(outbox.map(({ from, ...rest }) => [from.runId, rest]))).toEqual({
    [unknown.id]: { unreadable: 'outbox message o cannot be read: its kind "verdict" is unknown' },
    [fine.id]: { message: sent },
  });
  expect(outbox.map(({ from }) => from)).toContainEqual(refOf(unknown));
});
