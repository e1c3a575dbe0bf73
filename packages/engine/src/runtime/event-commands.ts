// What doors may ask of events and signals. Batches in, one outcome an item out, in the same order. They are data:
// nothing of them is audited or logged.
import type { JsonText, MillraceError, RunId, TenantId } from "@millrace/protocol";
import type { EventWaiter } from "../storage/storage.ts";
import type { Actor } from "./commands.ts";

export interface PublishRequest {
  /** 1 to 255 characters; whoever waits for this name gets the event. */
  readonly name: string;
  readonly data: JsonText;
  /** 1 to 255 characters. Unique for 24 hours per tenant and name. Default: minted. */
  readonly id?: string;
}

export type PublishOutcome =
  /** Durable, as are its signals. A repeat is answered as the first time. */
  | {
      readonly kind: "published";
      readonly id: string;
      /** Operations that waited, in the order in which they began to. */
      readonly waiters: readonly { readonly runId: RunId; readonly step: string }[];
    }
  | { readonly kind: "rejected"; readonly error: MillraceError };

export interface SignalRequest extends PublishRequest {
  readonly runId: RunId;
  /** 1 to 255 characters. Unique for the run. Default: minted. */
  readonly id?: string;
}

export type SignalOutcome =
  /** Durable: the run has it, and a wait of its name takes it, now or later. A repeat changes nothing. */
  | { readonly kind: "signalled"; readonly id: string }
  | { readonly kind: "rejected"; readonly error: MillraceError };

/** A signal if it names a run, an event otherwise. */
export type NotifyRequest = PublishRequest | SignalRequest;

export type NotifyOutcome =
  | {
      readonly kind: "notified";
      readonly id: string;
      /** Runs that it was delivered to, each once, in the order in which they began to wait. */
      readonly runIds: readonly RunId[];
    }
  | { readonly kind: "rejected"; readonly error: MillraceError };

export interface EventCommands {
  publish(
    tenant: TenantId,
    requests: readonly PublishRequest[],
    actor: Actor,
  ): Promise<readonly PublishOutcome[]>;
  /** To one run, signals of one call arrive in their order. Rejected with `run.finished` or `run.not-found`. */
  signal(
    tenant: TenantId,
    requests: readonly SignalRequest[],
    actor: Actor,
  ): Promise<readonly SignalOutcome[]>;
  /** Both in one batch. */
  notify(
    tenant: TenantId,
    requests: readonly NotifyRequest[],
    actor: Actor,
  ): Promise<readonly NotifyOutcome[]>;
  /** Operations that wait for the name, in the order in which they began to. */
  waiters(tenant: TenantId, name: string, limit: number): Promise<readonly EventWaiter[]>;
}
