import { asJsonText } from "@millrace/protocol";
import { show } from "../definition/json-shape.ts";
import type { StepKind } from "../definition/step-kind.ts";
import { readUnusedCallPolicy } from "./call-policy.ts";

const STARTED = asJsonText("{}");
const WAITS = ["all", "any"];

/**
 * `{ "type": "parallel", "next": ["mail", "chat"] }`; in a list, `config.branches` names them. It does nothing itself: what it got
 * goes to each branch. `config.waitFor: "any"`: the join below it runs as soon as one branch has come there.
 */
export const parallelKind: StepKind = {
  type: "parallel",
  flow: "parallel",
  compile(step) {
    readUnusedCallPolicy(step);
    const { config } = step;
    const waitForAll = config.flag("waitForAll");
    const waitFor = config.text("waitFor") ?? (waitForAll === false ? "any" : "all");
    if (!WAITS.includes(waitFor)) {
      config.error("waitFor", `Must be one of ${WAITS.join(", ")}, received ${show(waitFor)}`);
    } else if (waitForAll !== undefined && waitForAll !== (waitFor === "all")) {
      config.error("waitForAll", "Contradicts `waitFor`", "keep one of them");
    }
    return {
      request: () => ({ kind: "value", outcome: { status: "completed", output: STARTED } }),
      passesResult: true,
      joinsAny: waitFor === "any",
    };
  },
};
