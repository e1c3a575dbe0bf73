// What a check needs of one run of a code workflow to replay it far from its server. One line of an export is one of
// these as JSON; instants are ISO 8601, values are values.
import type { OpenOperation, OperationKind } from "./code-run.ts";
import type { Failure } from "./failure.ts";
import type { JsonValue } from "./json.ts";

/** Says how a line is read. A release that writes another one reads this one, too. */
export const REPLAY_FORMAT = "millrace.replay/1";

/**
 * - `whole`: as the journal has it
 * - `structure`: texts and most numbers are stand-ins, equal where the originals were equal
 */
export const REPLAY_DETAILS = ["whole", "structure"] as const;
export type ReplayDetail = (typeof REPLAY_DETAILS)[number];

export type ReplayOutcome =
  | { readonly status: "completed"; readonly output: JsonValue }
  /** Without stacks, which name files of whoever ran it. */
  | { readonly status: "failed"; readonly failure: Failure }
  | { readonly status: "cancelled" };

/** As `Settlement`. */
export interface ReplaySettlement {
  readonly sequence: number;
  readonly key: string;
  readonly position: number;
  readonly kind: OperationKind;
  readonly outcome: ReplayOutcome;
  readonly at: string;
}

/** As `StopNotice`. */
export interface ReplayStop {
  readonly sequence: number;
  readonly outcome: ReplayOutcome;
  readonly at: string;
}

export interface ReplayRecord {
  readonly format: typeof REPLAY_FORMAT;
  readonly detail: ReplayDetail;
  readonly runId: string;
  /** As it was announced. */
  readonly workflow: string;
  /** The author's. */
  readonly version: string;
  readonly input: JsonValue;
  readonly metadata: Readonly<Record<string, string>>;
  readonly workspace: string | null;
  readonly user: string | null;
  readonly createdAt: string;
  /** In journal order. */
  readonly settled: readonly ReplaySettlement[];
  readonly open: readonly OpenOperation[];
  /** null: it was not told to stop. */
  readonly stop: ReplayStop | null;
  /** null: it lives. */
  readonly end: ReplayOutcome | null;
}
