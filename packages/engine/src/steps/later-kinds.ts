import type { StepKind } from "../definition/step-kind.ts";

/** A kind of step that a later version runs: a definition may have it, but a run that comes to it fails there. */
const toLaterKind = (type: string): StepKind => ({
  type,
  compile(step) {
    // The fields are the later version's business.
    step.config.takeOthers();
    step.fields.takeOthers();
    const message = `Steps of type "${type}" are not in this version of Millrace yet`;
    step.fields.warn("type", message, "a run that comes to this step fails there");
    return {
      request: () => ({
        kind: "value",
        outcome: {
          status: "failed",
          failure: { code: "step.unsupported", message, source: "definition" },
        },
      }),
    };
  },
});

export const LATER_KINDS: readonly StepKind[] = ["human", "approval", "agent", "waitForEvent"].map(
  toLaterKind,
);
