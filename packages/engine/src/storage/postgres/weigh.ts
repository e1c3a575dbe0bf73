// How long the texts of a unit are, about: what a transaction is limited by. PostgreSQL takes no message of more than
// 1 GB, and closes the connection over one; sent again as it is, it would never arrive.
import type { Entry, MessageBody } from "../../core/entry.ts";
import type { DeliveryUnit, OutboxMessage, RunUnit, SentUnit, StartUnit } from "../storage.ts";

/** Of one flight, in characters; in UTF-8 and as JSON within JSON they may become six times as many bytes. */
export const MOST_CHARACTERS: number = 32 * 1024 * 1024;

export function weigh(unit: StartUnit | RunUnit | DeliveryUnit | SentUnit): number {
  switch (unit.kind) {
    case "start":
      return unit.run.input.length + unit.run.metadata.length + sum(unit.entries, weighEntry);
    case "run": {
      const { entries, outbox, next } = unit;
      const sent = sum(outbox, weighMessage);
      if (next.kind !== "finish") return sent + sum(entries, weighEntry);
      return sent + sum(next.journal, weighEntry) + (next.history.result?.length ?? 0);
    }
    case "delivery":
      return weighBody(unit.message.body);
    case "sent":
      return 0;
  }
}

function weighMessage({ content }: OutboxMessage): number {
  switch (content.kind) {
    case "start":
      return content.run.input.length + content.run.metadata.length;
    case "message":
      return weighBody(content.message.body);
    case "publish":
      return content.event.data.length;
    case "subscribe":
    case "unsubscribe":
      return 0;
  }
}

function weighEntry(entry: Entry): number {
  switch (entry.kind) {
    case "result":
      return entry.output.length;
    case "message":
      return weighBody(entry.message.body);
    case "failure":
      return entry.failure.message.length;
    case "wait":
      return 0;
  }
}

function weighBody(body: MessageBody): number {
  if (body.kind === "signal") return body.data.length;
  if (body.kind !== "child.finished") return 0;
  return body.outcome.status === "completed" ? body.outcome.output.length : 0;
}

function sum<T>(items: readonly T[], weighItem: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += weighItem(item);
  return total;
}
