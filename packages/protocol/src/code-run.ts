// What the owner of a code run and the host that executes its function say to each other.
//
//   H1. The owner tells settlements in journal order, each once in a session, and only when it is durable.
//   H2. The host hands them to the function one at a time, with a macrotask between, in life and in replay alike.
//   H3. What the function asks for carries the sequence of the last settlement it had been told: its position.
//   H4. A host holds nothing that cannot be made anew from a `CodeTask`; a session that is gone costs a replay.
import type { Failure } from "./failure.ts";
import type { RunId, TenantId } from "./ids.ts";
import type { JsonText } from "./json.ts";
import type { Timestamp } from "./time.ts";

/** How an operation, a run or a program ended. */
export type Outcome =
  | { readonly status: "completed"; readonly output: JsonText }
  | { readonly status: "failed"; readonly failure: Failure }
  | { readonly status: "cancelled" };

/** Names one residence of a run at a host; never used again. */
export type SessionId = string;

/** What the journal says an operation was; `call`: anything that ran a body or was known at once. */
export const OPERATION_KINDS = ["call", "timer", "child", "event"] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** An operation has ended. */
export interface Settlement {
  /** Place of the entry in the journal, from 1. */
  readonly sequence: number;
  readonly key: string;
  /** Sequence of the last settlement the function had been told when it asked. */
  readonly position: number;
  readonly kind: OperationKind;
  readonly outcome: Outcome;
  /** When, as the journal has it: the function's clock. */
  readonly at: Timestamp;
}

/** The run shall end so: it was cancelled, or overran its time. The function hears no more; compensation begins. */
export interface StopNotice {
  readonly sequence: number;
  readonly outcome: Outcome;
  readonly at: Timestamp;
}

/** An operation that the journal knows and that has not ended. */
export interface OpenOperation {
  readonly key: string;
  readonly position: number;
  readonly kind: OperationKind;
}

/** All that a host needs to begin a code run, or to bring it where its journal ends. */
export interface CodeTask {
  readonly tenant: TenantId;
  readonly runId: RunId;
  /** As it was announced. */
  readonly workflow: string;
  readonly version: string;
  readonly input: JsonText;
  readonly metadata: Readonly<Record<string, string>>;
  readonly workspace: string | null;
  readonly user: string | null;
  readonly createdAt: Timestamp;
  /** How many owners the run has had, with this one. */
  readonly residence: number;
  /** In journal order. */
  readonly settled: readonly Settlement[];
  readonly open: readonly OpenOperation[];
  /** The run was told to stop; what is settled after its sequence belongs to compensation. null: it was not. */
  readonly stop: StopNotice | null;
}

export interface StepRetry {
  /** Further attempts after the first, of failures whose source is `code`. */
  readonly retries: number;
  /** Before the second attempt. Each later delay is the one before times `factor`, up to `maxDelayMs`. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
}

/** What the function of a code run asks of the engine. */
export type CodeRequest =
  /** A body in the host: it begins at an `attempt` command, perhaps more than once. */
  | {
      readonly kind: "run";
      readonly key: string;
      readonly retry: StepRetry;
      /** Of one attempt. */
      readonly timeoutMs: number;
    }
  | { readonly kind: "sleep"; readonly key: string; readonly due: TimerDue }
  /** The next signal or event of that name. Output: its data, or JSON `null` when the time is over. */
  | {
      readonly kind: "event";
      readonly key: string;
      readonly event: string;
      /** null: for ever. */
      readonly timeoutMs: number | null;
      /** How long before the wait a published event may lie. */
      readonly lookbackMs: number;
    }
  /** An action of the engine's, such as `http.request`. */
  | {
      readonly kind: "action";
      readonly key: string;
      readonly target: string;
      readonly input: JsonText;
      readonly retry: StepRetry;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: "invoke";
      readonly key: string;
      /** Id, slug or announced name. */
      readonly workflow: string;
      readonly input: JsonText;
      readonly metadata: Readonly<Record<string, string>>;
      /** What becomes of the child when this run ends first. */
      readonly onParentEnd: "cancel" | "abandon";
    }
  /** A signal to one run, or an event to all who wait for it. Settles at once; stored with the entry. */
  | {
      readonly kind: "notify";
      readonly key: string;
      readonly event: string;
      readonly data: JsonText;
      /** null: all who wait. */
      readonly runId: RunId | null;
    }
  /** A line for readers (progress, a stream's item, a log line). Settles at once. */
  | { readonly kind: "note"; readonly key: string; readonly output: JsonText }
  | { readonly kind: "end"; readonly outcome: Outcome };

export type TimerDue = { readonly afterMs: number } | { readonly at: Timestamp };

/** From owner to host. */
export type HostCommand =
  | { readonly type: "open"; readonly session: SessionId; readonly task: CodeTask }
  | { readonly type: "tell"; readonly session: SessionId; readonly settlement: Settlement }
  | { readonly type: "stop"; readonly session: SessionId; readonly notice: StopNotice }
  /** Run the body of a step. */
  | {
      readonly type: "attempt";
      readonly session: SessionId;
      readonly key: string;
      readonly attempt: number;
    }
  /** The body should stop; its result may still count. */
  | {
      readonly type: "abort";
      readonly session: SessionId;
      readonly key: string;
      readonly attempt: number;
      readonly reason: string;
    }
  /** The owner does not have the run any more, or it has ended: nothing the host still says of it counts. */
  | { readonly type: "close"; readonly session: SessionId; readonly reason: string }
  /** A registered function, called by a step of a JSON workflow. */
  | { readonly type: "call"; readonly call: string; readonly task: FunctionTask }
  | { readonly type: "abort-call"; readonly call: string; readonly reason: string };

export interface FunctionTask {
  readonly tenant: TenantId;
  readonly runId: RunId;
  readonly step: string;
  readonly attempt: number;
  readonly target: string;
  readonly input: JsonText;
  readonly runInput: JsonText;
}

export type BodyResult =
  | { readonly ok: true; readonly output: JsonText }
  | {
      readonly ok: false;
      readonly failure: Failure;
      /** null: as the step's own policy says. */
      readonly retryAfterMs: number | null;
      /** Trying again would not help. */
      readonly terminal: boolean;
    };

/** From host to owner. */
export type HostReport =
  | {
      readonly type: "asked";
      readonly session: SessionId;
      /** H3, for all of `requests`. */
      readonly position: number;
      readonly requests: readonly CodeRequest[];
    }
  /** Everything up to this sequence was told, and what the function wanted because of it was asked. */
  | { readonly type: "idle"; readonly session: SessionId; readonly sequence: number }
  | {
      readonly type: "attempted";
      readonly session: SessionId;
      readonly key: string;
      readonly attempt: number;
      readonly result: BodyResult;
    }
  /** The function asks for something else than the journal says. */
  | {
      readonly type: "diverged";
      readonly session: SessionId;
      readonly step: string | null;
      readonly message: string;
    }
  | { readonly type: "called"; readonly call: string; readonly result: BodyResult };
