// The embedded store: one process, one file. Writes run in the writer's thread and reads in the
// reader's, so the event loop never waits for the disk.
//
//   S1. What a call writes is durable when it resolves (WAL, synchronous=FULL), and every later
//       read sees it.
//   S2. Writes run one after the other in the order of the calls.
//   S3. After `storage.failed` every call fails: nobody knows what the disk holds.
import { resolve } from "node:path";
import { MillraceError, PRIORITIES, type NodeId, type Timestamp } from "@millrace/protocol";
import { DEFAULT_LEASE_MS } from "../lease.ts";
import { NO_HINTS } from "../no-hints.ts";
import type { Pulse, Storage } from "../storage.ts";
import { Cursor } from "../rows/cells.ts";
import type { ReaderOptions } from "./reader.ts";
import type { ReadVerbs } from "./read-verbs.ts";
import { createSqliteCatalog } from "./sqlite-catalog.ts";
import { decodeHeld, encodeDue, findDue, readStore } from "./sqlite-reads.ts";
import type { PulseCells } from "./look-around.ts";
import { Thread, type Health } from "./thread.ts";
import { decodeOutcomes, encodeUnits } from "./unit-codec.ts";
import type { WriterOptions, WriteVerbs } from "./write-verbs.ts";

interface CommonOptions {
  /** Epoch ms. Default: this machine's clock, read where the statement runs. For tests. */
  readonly now?: () => number;
  /**
   * Default `DEFAULT_LEASE_MS`. Shorter: a node that only paused is declared dead sooner, and
   * recovery is faster.
   */
  readonly leaseMs?: number;
  /**
   * Default "FULL". "NORMAL" loses acknowledged commits when the power fails; it exists only for
   * the test that proves that "FULL" does not.
   */
  readonly synchronous?: "FULL" | "NORMAL";
}

/**
 * `path`: the database file; its folder must exist. `memory`: a store that is gone when it is
 * closed.
 */
export type SqliteStorageOptions = CommonOptions &
  (
    | { readonly path: string; readonly memory?: never }
    | { readonly memory: true; readonly path?: never }
  );

export interface BackupReport {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface SqliteStorage extends Storage {
  /**
   * Copies the store as it is now, while it runs. The copy opens as a store of its own.
   *
   * @throws {MillraceError} option.invalid: there is something at `to`; storage.unusable: it cannot
   * be written; storage.full. Nothing is left behind
   */
  backup(to: string): Promise<BackupReport>;
}

interface Threads {
  readonly writer: Thread<WriterVerbs>;
  /** The same thread as `writer` for a store in memory. */
  readonly reader: Thread<ReadVerbs>;
}

/** The writer's thread reads too, where the store is in memory. */
type WriterVerbs = WriteVerbs & ReadVerbs & { ready(): null };

/**
 * Opens the store and takes its owner lock.
 *
 * @throws {MillraceError} storage.locked: another process has it; storage.unusable; option.invalid
 */
export async function createSqliteStorage(options: SqliteStorageOptions): Promise<SqliteStorage> {
  const path = toPath(options);
  const health: Health = { failure: null };
  const { writer, reader } = await openThreads(path, options, health);
  const now = (): number | null => (options.now === undefined ? null : Math.trunc(options.now()));
  const listeners = new Set<() => void>();
  const wake = (): void => listeners.forEach((listener) => listener());
  return {
    lanes: 1,
    leaseMs: options.leaseMs ?? DEFAULT_LEASE_MS,
    isExclusive: true,
    hints: NO_HINTS,
    catalog: createSqliteCatalog(writer, reader, now),
    migrate: () => writer.call("migrate", now()),
    join: async ({ id, host, pid }) => toTime(await writer.call("join", { id, host, pid }, now())),
    beat: async (node) => toPulse(await writer.call("beat", node, PRIORITIES, now())),
    reap: async (request = { auditMs: null }) => {
      const reaped = await writer.call("reap", request, now());
      if (reaped.freed > 0) wake();
      return reaped;
    },
    commit: async (_lane, node, units) => {
      const { outcomes, wakes } = await writer.call("commit", node, encode(units), now());
      if (wakes) wake();
      return decodeOutcomes(new Cursor(outcomes));
    },
    take: async (node, due) => {
      if (due.length === 0) return [];
      const held = await writer.call("take", { node, due: encodeDue(due) }, now());
      return held.map(decodeHeld);
    },
    findDue: (shards, limit) => findDue(reader, shards, limit, now()),
    // `readStore` answers each kind of query with its kind of answer, which its own type cannot
    // say.
    read: (async (query) => readStore(reader, query, now())) as Storage["read"],
    onWake: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    backup: async (to) => {
      if (path === null) return toReport(to, await reader.call("backUp", resolve(to)));
      if (health.failure !== null) throw health.failure;
      return backUpSqliteFile(path, to);
    },
    close: async () => {
      await reader.close();
      await writer.close();
    },
  };
}

function toPath({ path, memory }: SqliteStorageOptions): string | null {
  if (memory === true && path === undefined) return null;
  if (
    typeof path === "string" &&
    path !== "" &&
    memory === undefined &&
    !/^(:memory:$|file:)/.test(path)
  ) {
    return resolve(path);
  }
  const message =
    'A SQLite store needs the option "path", the name of its database file, or "memory: true" and no path; ' +
    `received path ${JSON.stringify(path)} and memory ${JSON.stringify(memory)}.`;
  throw new MillraceError("option.invalid", message);
}

async function openThreads(
  path: string | null,
  { synchronous = "FULL", leaseMs = DEFAULT_LEASE_MS }: SqliteStorageOptions,
  health: Health,
): Promise<Threads> {
  const options: WriterOptions = { path, synchronous, leaseMs };
  const writer = new Thread<WriterVerbs>("writer", toEntry("writer"), options, health);
  // Both start at once; the reader opens the file at its first call, when the writer has made it.
  const reader = path === null ? writer : startReader(path, health);
  try {
    await writer.call("ready");
  } catch (error) {
    await reader.close();
    await writer.close();
    throw error;
  }
  return { writer, reader };
}

function startReader(path: string, health: Health): Thread<ReadVerbs> {
  const options: ReaderOptions = { path };
  return new Thread<ReadVerbs>("reader", toEntry("reader"), options, health);
}

/** The compiler does not rewrite the endings in texts. */
function toEntry(name: "writer" | "reader"): URL {
  return new URL(
    import.meta.url.endsWith(".ts") ? `./${name}.ts` : `./${name}.js`,
    import.meta.url,
  );
}

/**
 * Copies a store's file as it is now, whether or not another process has the store open: it needs
 * no owner lock.
 *
 * @throws as `SqliteStorage.backup`
 */
export async function backUpSqliteFile(from: string, to: string): Promise<BackupReport> {
  // A reader of its own, so that the reads of a store go on, and one whose failure is its own.
  const copier = startReader(resolve(from), { failure: null });
  try {
    return toReport(to, await copier.call("backUp", resolve(to)));
  } finally {
    await copier.close();
  }
}

const toReport = (to: string, sizeBytes: number): BackupReport => ({
  path: resolve(to),
  sizeBytes,
});

function encode(units: Parameters<typeof encodeUnits>[0]): ReturnType<typeof encodeUnits> {
  try {
    return encodeUnits(units);
  } catch (cause) {
    const message =
      "A value in one unit of this commit cannot be written as JSON; nothing was written.";
    throw new MillraceError("storage.rejected", message, { cause });
  }
}

const toPulse = ({ now, dueAt, inbox, outbox, reapAt, nodes }: PulseCells): Pulse => ({
  now: toTime(now),
  dueAt: dueAt === null ? null : toTime(dueAt),
  inbox,
  outbox,
  reapAt: reapAt === null ? null : toTime(reapAt),
  // Written as ids.
  nodes: nodes.map((id) => id as NodeId),
});

/** The thread sends a whole number of milliseconds. */
const toTime = (ms: number): Timestamp => ms as Timestamp;
