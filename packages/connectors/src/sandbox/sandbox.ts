// What serves in development while a connector is not configured: a fake Stripe, and an outbox that nothing leaves.
import type { ActionContext } from "@millrace/protocol";
import type { JsonObject } from "../action-input.ts";
import type { OutboundFetch } from "../outbound.ts";
import { digest } from "../stable-key.ts";
import { createFakeStripe } from "./fake-stripe/fake-stripe.ts";
import type { SandboxKind, SandboxPage, SandboxStore } from "./store.ts";

/** What may be read from outside. */
export type SandboxList = Exclude<SandboxKind, "requests" | "notes">;

export interface Captured {
  readonly connector: "email" | "slack";
  readonly message: JsonObject;
}

export interface Sandbox {
  /** Speaks Stripe's API for one tenant. */
  stripe(tenant: string): OutboundFetch;
  /**
   * Puts a message into the outbox, durably. The step's key counts: a second attempt finds the first one's.
   *
   * @returns what lies in the outbox: `id`, `connector`, `at`, `runId`, `step`, `message`
   */
  capture(captured: Captured, context: ActionContext): Promise<JsonObject>;
  /** Newest first; all of it durable. */
  list(tenant: string, kind: SandboxList, page: SandboxPage): Promise<readonly JsonObject[]>;
  clear(tenant: string): Promise<void>;
}

export interface SandboxOptions {
  readonly store: SandboxStore;
  /** Epoch milliseconds. Default: the system's clock. */
  readonly now?: () => number;
}

export function createSandbox({ store, now = Date.now }: SandboxOptions): Sandbox {
  return {
    stripe: (tenant) => {
      const answer = createFakeStripe({ store, tenant, now });
      return (input, init) => answer(new Request(input, init));
    },
    capture: async ({ connector, message }, { tenant, runId, step, idempotencyKey }) => {
      const id = `${connector}_${digest(`${tenant}\n${idempotencyKey}`).slice(0, 24)}`;
      const earlier = store.find(tenant, "outbox", id);
      const at = new Date(now()).toISOString();
      const value = earlier ?? { id, connector, at, runId, step, message };
      await store.append(earlier === undefined ? [{ tenant, kind: "outbox", id, value }] : []);
      return value;
    },
    list: async (tenant, kind, page) => {
      const found = store.list(tenant, kind, page);
      await store.append([]);
      return found;
    },
    clear: (tenant) => store.clear(tenant),
  };
}
