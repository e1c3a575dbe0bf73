/** What came of one record. */
export type CheckedRun = CheckedBase &
  (
    | { readonly result: "same" }
    | (Place & {
        readonly result: "differs";
        /** null: not at a step, but in how the run ends. */
        readonly step: string | null;
        /** Entry of the journal that settled the step. null: it was open, or it is not in the journal. */
        readonly sequence: number | null;
        /** What the journal has. */
        readonly expected: string;
        /** What the code did in its place. */
        readonly asked: string;
        /** All of it in a sentence. */
        readonly message: string;
        /** Texts and numbers of the record are stand-ins, so the reason may be that they are missing. */
        readonly isStructureOnly: boolean;
      })
    /** Nobody gave code of this name and version. */
    | (Place & { readonly result: "no-code"; readonly message: string })
    /** The function waits for something that is not durable, and does not come to its end. */
    | (Place & { readonly result: "stuck"; readonly message: string })
    | { readonly result: "unreadable"; readonly message: string }
  );

/** What a check can come to, the good end first. */
export const CHECK_RESULTS = ["same", "differs", "stuck", "no-code", "unreadable"] as const;
export type CheckResult = (typeof CHECK_RESULTS)[number];

interface CheckedBase {
  readonly result: CheckResult;
  /** In `runs`, from 1. */
  readonly number: number;
  /** null: the record does not say it. */
  readonly runId: string | null;
  /** null: the record does not say it. */
  readonly workflow: string | null;
  readonly version: string | null;
}

/** A record that could be read says all of it. */
interface Place {
  readonly runId: string;
  readonly workflow: string;
  readonly version: string;
}
