// What the sandbox remembers: a port, and an implementation in memory. A development server has one on its disk.
import type { JsonObject } from "../action-input.ts";

/** What records are of. `requests` and `notes` are the fake Stripe's own: who asked for what, numbers, ties. */
export type SandboxKind =
  | "outbox"
  | "customers"
  | "invoices"
  | "invoiceitems"
  | "payment_intents"
  | "refunds"
  | "requests"
  | "notes";

export interface SandboxRecord {
  readonly tenant: string;
  readonly kind: SandboxKind;
  readonly id: string;
  readonly value: JsonObject;
}

export interface SandboxPage {
  /** Of the last one on the page before; null: the newest. */
  readonly before: string | null;
  readonly limit: number;
}

export interface SandboxStore {
  find(tenant: string, kind: SandboxKind, id: string): JsonObject | undefined;
  /** Newest first. Empty if there is nothing, or nothing with the id `before`. */
  list(tenant: string, kind: SandboxKind, page: SandboxPage): readonly JsonObject[];
  /**
   * Readers see the records at once; they are durable, whole or not at all, when it resolves. A record with kind and
   * id of another takes its place. None: resolves when all that is visible is durable.
   */
  append(records: readonly SandboxRecord[]): Promise<void>;
  clear(tenant: string): Promise<void>;
}

/** Of one kind and tenant: above either, the oldest records go. A sandbox is for looking at what just happened. */
export interface SandboxLimits {
  readonly count: number;
  readonly bytes: number;
}

const DEFAULT_LIMITS: SandboxLimits = { count: 20_000, bytes: 16 * 1024 * 1024 };

interface Shelf {
  /** JSON by id, oldest first: as text it takes a third of the memory, and every reader gets its own copy. */
  readonly texts: Map<string, string>;
  size: number;
}

/** Records in memory, in the order in which they came. */
export class SandboxRecords {
  readonly #limits: SandboxLimits;
  readonly #shelves = new Map<string, Map<SandboxKind, Shelf>>();

  constructor(limits: SandboxLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  put({ tenant, kind, id, value }: SandboxRecord): void {
    const shelf = this.#shelf(tenant, kind);
    const text = JSON.stringify(value);
    shelf.size += text.length - (shelf.texts.get(id)?.length ?? 0);
    shelf.texts.set(id, text);
    for (const [oldest, old] of shelf.texts) {
      const fits = shelf.texts.size <= this.#limits.count && shelf.size <= this.#limits.bytes;
      if (fits || oldest === id) break;
      shelf.texts.delete(oldest);
      shelf.size -= old.length;
    }
  }

  find(tenant: string, kind: SandboxKind, id: string): JsonObject | undefined {
    const text = this.#shelves.get(tenant)?.get(kind)?.texts.get(id);
    return text === undefined ? undefined : read(text);
  }

  list(tenant: string, kind: SandboxKind, { before, limit }: SandboxPage): readonly JsonObject[] {
    const texts = this.#shelves.get(tenant)?.get(kind)?.texts ?? new Map<string, string>();
    const ids = [...texts.keys()].toReversed();
    const start = before === null ? 0 : ids.indexOf(before) + 1;
    if (before !== null && start === 0) return [];
    return ids.slice(start, start + limit).map((id) => read(texts.get(id) ?? "{}"));
  }

  clear(tenant: string): void {
    this.#shelves.delete(tenant);
  }

  clearAll(): void {
    this.#shelves.clear();
  }

  /** Everything, in an order in which `put` makes the same again. */
  *all(): Generator<SandboxRecord> {
    for (const [tenant, kinds] of this.#shelves) {
      for (const [kind, { texts }] of kinds) {
        for (const [id, text] of texts) yield { tenant, kind, id, value: read(text) };
      }
    }
  }

  #shelf(tenant: string, kind: SandboxKind): Shelf {
    const kinds = this.#shelves.get(tenant) ?? new Map<SandboxKind, Shelf>();
    this.#shelves.set(tenant, kinds);
    const shelf = kinds.get(kind) ?? { texts: new Map<string, string>(), size: 0 };
    kinds.set(kind, shelf);
    return shelf;
  }
}

/** Was written from such an object. */
const read = (text: string): JsonObject => JSON.parse(text) as JsonObject;

/** Gone with the process. */
export function createMemorySandboxStore(limits?: SandboxLimits): SandboxStore {
  const records = new SandboxRecords(limits);
  return {
    find: (tenant, kind, id) => records.find(tenant, kind, id),
    list: (tenant, kind, page) => records.list(tenant, kind, page),
    append: (added) => {
      for (const record of added) records.put(record);
      return Promise.resolve();
    },
    clear: (tenant) => {
      records.clear(tenant);
      return Promise.resolve();
    },
  };
}
