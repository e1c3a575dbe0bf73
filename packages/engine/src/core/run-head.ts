import type {
  JsonText,
  ParentLink,
  Priority,
  RunId,
  Shard,
  TenantId,
  Timestamp,
  TriggerType,
  WorkflowId,
} from "@millrace/protocol";
import type { Message } from "./entry.ts";

/** What a run is born with, and keeps. */
export interface RunHead {
  readonly id: RunId;
  readonly shard: Shard;
  readonly tenant: TenantId;
  readonly workspace: string | null;
  readonly user: string | null;
  /** Chosen by whoever started it; unique among the tenant's live runs. null: none was. */
  readonly name: string | null;
  readonly workflowId: WorkflowId;
  readonly workflowVersion: number;
  readonly trigger: TriggerType;
  readonly priority: Priority;
  readonly input: JsonText;
  /** JSON object of texts. */
  readonly metadata: JsonText;
  readonly parent: ParentLink | null;
  /** The failed or cancelled run whose results it took over; null: it began at its beginning. */
  readonly retryOf: RunId | null;
  /** 0: started from outside; 1: by such a run; and so on. */
  readonly depth: number;
  /** Id of the key that started it; null: the engine itself or code in its process. */
  readonly caller: string | null;
  readonly createdAt: Timestamp;
  /** The run fails if it has not ended by then. null: no limit. */
  readonly deadlineAt: Timestamp | null;
}

/** Names one live run, wherever it is placed. */
export interface RunRef {
  readonly tenant: TenantId;
  readonly shard: Shard;
  readonly runId: RunId;
}

/**
 * A message on its way: `start` makes a child, `message` goes to an inbox. The other three go to an event's key: `to`
 * has the shard of that key then, and the id of the run that sends.
 */
export interface OutboxMessage {
  /** Unique for its sender. */
  readonly id: string;
  readonly to: RunRef;
  readonly content:
    | { readonly kind: "start"; readonly run: RunHead }
    | { readonly kind: "message"; readonly message: Message }
    | {
        readonly kind: "subscribe";
        readonly event: string;
        /** Of the operation that waits. */
        readonly key: string;
        /** Where the run lives. */
        readonly runShard: Shard;
        /** An event that was published from then on, and that this run has not had, counts as well. */
        readonly since: Timestamp;
        readonly until: Timestamp | null;
      }
    | { readonly kind: "unsubscribe"; readonly event: string; readonly key: string }
    | { readonly kind: "publish"; readonly event: PublishedEvent };
}

/** Of a tenant's; everybody who waits for its name gets it. */
export interface PublishedEvent {
  /** Unique per tenant and name; a repeat changes nothing. */
  readonly id: string;
  readonly name: string;
  readonly data: JsonText;
  readonly publishedAt: Timestamp;
}
