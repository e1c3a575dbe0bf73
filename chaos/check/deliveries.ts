// K5. A signal arrives once at its run, and an event once at each listener.
// K10. They arrive in the order in which they were sent.
import type { History, SentRecord, StoredRun } from "../history.ts";
import { ITEMS } from "../workflows.ts";
import { messageOf } from "./message.ts";
import type { Violation } from "./violation.ts";

export function checkDeliveries(history: History): readonly Violation[] {
  const { signals, events, listeners, runs } = history;
  const byIntent = new Map(runs.map((run) => [run.intent, run]));
  const inboxes = [...Map.groupBy(signals, ({ to }) => to)].flatMap(([intent, sent]) =>
    checkReceiver(intent, byIntent.get(intent), sent),
  );
  const published = Map.groupBy(events, ({ to }) => to);
  const topics = [...listeners].flatMap(([topic, intents]) =>
    intents.flatMap((intent) =>
      checkReceiver(intent, byIntent.get(intent), published.get(topic) ?? []),
    ),
  );
  return [...inboxes, ...topics];
}

function checkReceiver(
  intent: string,
  run: StoredRun | undefined,
  sent: readonly SentRecord[],
): readonly Violation[] {
  // A start that nobody has acknowledged may have no run.
  if (run === undefined) return [];
  const where = `run ${run.id} (${intent})`;
  const got = receivedBy(run);
  const broken: string[] = [];
  const strange = got.filter((sequence) => !sent.some((one) => one.sequence === sequence));
  if (strange.length > 0) broken.push(`${where} got ${strange.join()}, which nobody sent`);
  if (new Set(got).size < got.length) broken.push(`${where} got ${got.join()}`);
  const lost = sent.filter((one) => one.isAcknowledged && !got.includes(one.sequence));
  if (lost.length > 0) broken.push(`${where} never got ${lost.map(({ id }) => id).join()}`);
  const isFull = run.result === null || run.result === JSON.stringify(got);
  if (run.status === "completed" && (!isFull || got.length !== ITEMS)) {
    broken.push(`${where} collected ${run.result}, and its journal has ${got.join()}`);
  }
  return [
    ...broken.map((what): Violation => ({ rule: "K5", what })),
    ...checkOrder(where, got, sent).map((what): Violation => ({ rule: "K10", what })),
  ];
}

function checkOrder(
  where: string,
  got: readonly number[],
  sent: readonly SentRecord[],
): readonly string[] {
  if (got.every((sequence, n) => n === 0 || sequence >= (got[n - 1] ?? 0))) return [];
  const how = sent[0]?.isBurst === true ? "in one request" : "one after the other";
  return [`${where} got ${got.join()}; they were sent ${how}`];
}

/** What its journal says that it received, in order. */
function receivedBy({ journal }: StoredRun): readonly number[] {
  return journal.flatMap((entry) => {
    const body = messageOf(entry)?.body;
    if (body?.kind !== "signal" || body.data === undefined) return [];
    // The load sent it.
    return (JSON.parse(body.data) as { readonly sequence: number }).sequence;
  });
}
