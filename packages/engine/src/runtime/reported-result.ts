// Results of bodies that ran elsewhere: already in the form in which they are stored.
import type { BodyResult, JsonText } from "@millrace/protocol";

/** An output that is JSON already. */
export class StoredOutput {
  readonly text: JsonText;

  constructor(text: JsonText) {
    this.text = text;
  }
}

type Failed = Extract<BodyResult, { ok: false }>;

/** A failure that whoever ran the body has described. */
export class ReportedFailure extends Error {
  readonly result: Failed;

  constructor(result: Failed) {
    super(result.failure.message);
    this.result = result;
  }

  /** Whoever ran it is gone; whether it did anything is not known. */
  static lost(message: string): ReportedFailure {
    const failure = { code: "worker.lost", message, source: "infrastructure" } as const;
    return new ReportedFailure({ ok: false, failure, retryAfterMs: null, terminal: false });
  }
}
