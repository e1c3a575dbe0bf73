// What moves from store to store: tables by name with their columns, which are the same in all stores.
//
//   D1. Nothing that belongs to a process moves: nodes, and who owns a run. A run that was owned is due.
//   D2. Fences and wakes move as they are: they may never go down.
//   D3. Where a store keeps an order by a column of its own (audit, outbox, events), rows move in that order, and the
//       other store numbers them anew.

export interface DumpColumn {
  readonly name: string;
  readonly type: "text" | "number";
  readonly isNullable: boolean;
}

export interface DumpTable {
  readonly name: string;
  readonly columns: readonly DumpColumn[];
}

/** Names with spaces between them; `#` before one: a number; `?` behind it: may be null. */
const table = (name: string, columns: string): DumpTable => ({
  name,
  columns: columns.split(" ").map((text) => ({
    name: text.replaceAll(/[#?]/g, ""),
    type: text.startsWith("#") ? "number" : "text",
    isNullable: text.endsWith("?"),
  })),
});

const HEAD =
  "tenant id #shard workspace? user_id? workflow #workflow_version trigger_type #priority parent_run? parent_step? " +
  "retry_of? #depth caller? #created_at #deadline_at? metadata input name?";

/** In the order in which they move: what others stand on first. */
export const DUMP_TABLES: readonly DumpTable[] = [
  table("catalog", "tenant kind id slug? #revision body #created_at #updated_at"),
  table("audit", "tenant #at key? address? action target"),
  table(
    "history",
    `${HEAD} #fence status #started_at? #finished_at #cancel_requested_at? #expires_on? result? journal`,
  ),
  table(
    "runs",
    `${HEAD} status #fence #wake #due_at? #recoveries waiting_on? #cancel_requested_at? #started_at? gate?`,
  ),
  table(
    "journal",
    "tenant run #sequence #shard #fence kind key? #attempt? #position #started_at #ended_at body",
  ),
  table("inbox", "tenant run id #shard #arrival #consumed body"),
  table("outbox", "tenant run id #shard to_tenant to_run #to_shard kind body"),
  table("keys", "tenant scope key #shard run payload_hash #expires_at"),
  table("events", "tenant name id #shard data #published_at #expires_at"),
  table("event_deliveries", "tenant name event run key #shard #run_shard #place? #expires_at"),
  table(
    "subscriptions",
    "tenant name run key #shard #run_shard? #since #until? #ended event? #expires_at?",
  ),
  table("slots", "tenant key run #shard"),
];
