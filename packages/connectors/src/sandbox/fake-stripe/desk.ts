// Where one request is worked on: it reads the store, and what it writes is kept together until the request is done,
// so that a request happens whole or not at all. Everything here is synchronous, so no two requests mix.
import { hash } from "node:crypto";
import type { JsonObject } from "../../action-input.ts";
import type { SandboxKind, SandboxRecord, SandboxStore } from "../store.ts";
import { noSuch } from "./stripe-fault.ts";

export type StripeKind = Exclude<SandboxKind, "outbox" | "requests">;
/** An object of Stripe's. */
export type StripeObject = JsonObject & { readonly id: string };

export interface DeskOptions {
  readonly store: SandboxStore;
  readonly tenant: string;
  /** Ids follow from it. */
  readonly key: string;
  readonly nowMs: number;
}

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 24;

export class Desk {
  /** Epoch seconds, as Stripe counts. */
  readonly now: number;
  readonly #options: DeskOptions;
  readonly #written = new Map<string, SandboxRecord>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.now = Math.floor(options.nowMs / 1000);
  }

  get written(): readonly SandboxRecord[] {
    return [...this.#written.values()];
  }

  find(kind: StripeKind, id: string): StripeObject | undefined {
    const { store, tenant } = this.#options;
    const value = this.#written.get(`${kind} ${id}`)?.value ?? store.find(tenant, kind, id);
    return value === undefined ? undefined : { ...value, id };
  }

  /** @throws {StripeFault} resource_missing: the id in the path leads nowhere */
  get(kind: StripeKind, what: string, id: string): StripeObject {
    const found = this.find(kind, id);
    if (found === undefined) throw noSuch(404, what, id, "id");
    return found;
  }

  put<T extends StripeObject>(kind: StripeKind, value: T): T {
    const { tenant } = this.#options;
    this.#written.set(`${kind} ${value.id}`, { tenant, kind, id: value.id, value });
    return value;
  }

  /**
   * The object that the request's key stands for. One that is there already stays as it is, also when the store has
   * forgotten the request.
   */
  create(kind: StripeKind, prefix: string, make: (id: string) => StripeObject): StripeObject {
    const id = this.newId(prefix);
    return this.find(kind, id) ?? this.put(kind, make(id));
  }

  /** @param limit of those on a page; one more is looked for */
  list(kind: StripeKind, before: string | null, limit: number): readonly StripeObject[] {
    const { store, tenant } = this.#options;
    // Each was put with its id.
    return store.list(tenant, kind, { before, limit }) as readonly StripeObject[];
  }

  /** The same for the same key: a repeated request cannot make a second object. */
  newId(prefix: string): string {
    const { tenant, key } = this.#options;
    return `${prefix}_${toLetters(`${tenant}\n${key}\n${prefix}`)}`;
  }
}

export function toLetters(text: string): string {
  const bytes = hash("sha256", text, "buffer").subarray(0, ID_LENGTH);
  return Array.from(bytes, (byte) => LETTERS.charAt(byte % LETTERS.length)).join("");
}
