// Fills a store through its own commits with whatever a list of numbers says, for tests of moves.
import {
  after,
  asJsonText,
  DEFAULT_TENANT,
  shardOfEvent,
  type JsonText,
  type NodeId,
} from "@millrace/protocol";
import type { Held, RunHead, Storage, Unit } from "../storage.ts";
import {
  aDelivery,
  aFinish,
  aKey,
  anAudit,
  anOutboxMessage,
  aPark,
  aPut,
  aReply,
  aResult,
  aRun,
  aRunUnit,
  aStart,
  refOf,
  T0,
} from "./builders.ts";

export const FILLER = "node_a" as NodeId;

/** What other programs take for the end of a line, and what needs more than one byte. */
const TEXTS = ['"', "\u2028", "\n", "π 🜁", "\\u0000", ""] as const;

const json = (n: number): JsonText =>
  asJsonText(JSON.stringify({ n, text: TEXTS[n % TEXTS.length] }));

/** Past every lease and every retry of a run. */
const DAY_MS = 86_400_000;

export class RandomStore {
  readonly #storage: Storage;
  readonly #move: (ms: number) => void;
  /** All that were started. */
  readonly runs: RunHead[] = [];
  readonly #held: Held[] = [];
  #count = 0;

  /** @param move sets the store's clock forward */
  constructor(storage: Storage, move: (ms: number) => void) {
    this.#storage = storage;
    this.#move = move;
  }

  async fill(picks: readonly number[]): Promise<void> {
    for (const pick of picks) await this.#do(pick);
  }

  async #do(pick: number): Promise<void> {
    this.#count += 1;
    const deeds = [
      () => this.#start(pick),
      () => this.#start(pick),
      () => this.#take(pick),
      () => this.#take(pick),
      () => this.#write(pick),
      () => this.#write(pick),
      () => this.#park(pick),
      () => this.#finish(pick),
      () => this.#deliver(pick),
      () => this.#publish(pick),
      () => this.#subscribe(pick),
      () => this.#put(pick),
    ];
    this.#move(pick % 7);
    await deeds[pick % deeds.length]?.();
  }

  async #commit(unit: Unit): Promise<void> {
    await this.#storage.commit(0, FILLER, [unit]);
  }

  async #start(pick: number): Promise<void> {
    const run = aRun({
      input: json(pick),
      metadata: json(pick + 1),
      name: pick % 3 === 0 ? `name-${this.#count}` : null,
      workspace: pick % 5 === 0 ? "north" : null,
      user: pick % 4 === 0 ? "ada" : null,
      deadlineAt: pick % 2 === 0 ? after(T0, DAY_MS) : null,
    });
    const key = aKey({ key: `key-${this.#count}`, expiresAt: after(T0, DAY_MS) });
    this.runs.push(run);
    await this.#commit(
      aStart(run, {
        dueAt: after(T0, pick % 20),
        key: pick % 2 === 0 ? key : null,
        audit: pick % 3 === 0 ? anAudit({ target: run.id, at: after(T0, pick) }) : null,
        entries: pick % 11 === 0 ? [aResult("carried", json(pick))] : [],
      }),
    );
  }

  async #take(pick: number): Promise<void> {
    const { runs } = await this.#storage.findDue(null, 20);
    const due = runs[pick % Math.max(1, runs.length)];
    if (due !== undefined) this.#held.push(...(await this.#storage.take(FILLER, [due])));
  }

  /** The held run that is meant, which is then held no more. */
  #pull(pick: number): Held | undefined {
    return this.#held.splice(pick % Math.max(1, this.#held.length), 1)[0];
  }

  async #write(pick: number): Promise<void> {
    const held = this.#pull(pick);
    if (held === undefined) return;
    const entries = [aResult(`step-${this.#count}`, json(pick))];
    const outbox = pick % 2 === 0 ? [anOutboxMessage(`m-${this.#count}`)] : [];
    const consumed = held.inbox.slice(0, pick % 3).map(({ id }) => id);
    await this.#commit(aRunUnit(held, { entries, outbox, consumed }));
    this.#held.push({
      ...held,
      journal: [...held.journal, ...entries],
      inbox: held.inbox.slice(consumed.length),
    });
  }

  async #park(pick: number): Promise<void> {
    const held = this.#pull(pick);
    if (held === undefined) return;
    const waits = [
      { dueAt: null, waitingOn: null },
      { dueAt: after(T0, pick % 50), waitingOn: null },
      {
        dueAt: after(T0, DAY_MS),
        waitingOn: { kind: "timer", step: "rest", until: after(T0, DAY_MS) },
      },
      {
        dueAt: null,
        waitingOn: { kind: "worker", workflow: "greet", version: "1" },
      },
    ] as const;
    const park = aPark(held, waits[pick % waits.length]);
    await this.#commit(aRunUnit(held, { next: park }));
  }

  async #finish(pick: number): Promise<void> {
    const held = this.#pull(pick);
    if (held !== undefined) await this.#commit(aFinish(held, [aResult("last", json(pick))]));
  }

  async #deliver(pick: number): Promise<void> {
    const run = this.runs[pick % Math.max(1, this.runs.length)];
    if (run === undefined) return;
    const audit = pick % 2 === 0 ? anAudit({ target: run.id }) : null;
    await this.#commit(aDelivery(run, aReply(`r-${this.#count}`), audit));
  }

  async #publish(pick: number): Promise<void> {
    const name = `order.${pick % 2}`;
    const event = { id: `e-${this.#count}`, name, data: json(pick), publishedAt: T0 };
    const shard = shardOfEvent(DEFAULT_TENANT, name);
    const expiresAt = after(T0, DAY_MS);
    await this.#commit({ kind: "publish", tenant: DEFAULT_TENANT, shard, event, expiresAt });
  }

  async #subscribe(pick: number): Promise<void> {
    const run = this.runs[pick % Math.max(1, this.runs.length)];
    if (run === undefined) return;
    const event = `order.${pick % 2}`;
    const shard = shardOfEvent(DEFAULT_TENANT, event);
    const [key, expiresAt] = [`wait-${this.#count}`, after(T0, DAY_MS)];
    const until = pick % 3 === 0 ? after(T0, DAY_MS) : null;
    const place = { shard, event, key, expiresAt };
    if (pick % 5 === 0) {
      const { tenant, id: runId } = run;
      await this.#commit({ kind: "unsubscribe", tenant, runId, ...place });
    } else {
      await this.#commit({ kind: "subscribe", run: refOf(run), since: T0, until, ...place });
    }
  }

  async #put(pick: number): Promise<void> {
    const kinds = ["workflow", "workflow-version", "key", "function", "tenant"] as const;
    const kind = kinds[pick % kinds.length] ?? "workflow";
    const put = aPut({
      kind,
      id: `id-${this.#count}`,
      slug: `slug-${this.#count}`,
      body: json(pick),
    });
    await this.#storage.catalog.put([put], pick % 2 === 0 ? anAudit({ action: "put" }) : null);
  }
}

/** All live runs that fall due, as a node that comes later gets them. */
export async function takeAll(storage: Storage, node: NodeId): Promise<readonly Held[]> {
  await storage.join({ id: node, host: "test-host", pid: 1 });
  await storage.reap();
  const { runs } = await storage.findDue(null, 1_000);
  return storage.take(node, runs);
}
