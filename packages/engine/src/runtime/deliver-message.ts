import { MillraceError } from "@millrace/protocol";
import type { Message } from "../core/entry.ts";
import type { RunRef } from "../core/run-head.ts";
import type { Audit } from "../storage/catalog.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Runner } from "./runner.ts";

export interface DeliveryContext {
  readonly commitFor: (ref: RunRef) => GroupCommit;
  readonly runner: Pick<Runner, "tell">;
}

/**
 * Puts a door's message into a run's inbox; its owner hears of it at once, and a run without owner is due for it.
 * Messages to one run arrive in the order of the calls.
 *
 * @returns null: it is durable; else why it is not, `run.finished` and `run.not-found` among others
 */
export function deliverMessage(
  to: RunRef,
  message: Message,
  audit: Audit | null,
  { commitFor, runner }: DeliveryContext,
): Promise<MillraceError | null> {
  return new Promise((resolve) => {
    commitFor(to).submit({
      unit: { kind: "delivery", to, message, audit },
      refusable: true,
      unknown: () => resolve(new MillraceError("storage.outcome-unknown")),
      settle: (outcome) => {
        if (outcome.kind === "done") {
          runner.tell(to, message);
          resolve(null);
        } else if (outcome.kind === "fault") {
          resolve(outcome.error);
        } else if (outcome.kind === "refused" && outcome.code === "run.finished") {
          resolve(new MillraceError("run.finished", "The run has ended already"));
        } else {
          resolve(new MillraceError("run.not-found", "Run not found"));
        }
      },
    });
  });
}
