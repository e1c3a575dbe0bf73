import type { TestWorld } from "@millrace/engine/testing";
import { toIso, type RunId, type WaitingOn } from "@millrace/protocol";

type LiveRuns = Pick<TestWorld, "findLive" | "now">;

/** True: the run, or the child that it waits for, was set aside; it looks again and again, and time mends nothing. */
export function isSetAside(world: LiveRuns, runId: RunId): boolean {
  const waitingOn = world.findLive(runId)?.waitingOn ?? null;
  switch (waitingOn?.kind) {
    case "worker":
    case "quarantine":
    case "divergence":
      return true;
    case "child":
      return isSetAside(world, waitingOn.runId);
    default:
      return false;
  }
}

/** @returns what comes after "The run" */
export function explainWait(world: LiveRuns, runId: RunId): string {
  const live = world.findLive(runId);
  if (live === null) return "has ended";
  return live.waitingOn === null ? explainEndless(world) : explain(world, live.waitingOn);
}

/** It moves still, and was given up. */
const explainEndless = ({ now }: LiveRuns): string =>
  `has not ended by ${toIso(now)}. If nothing ends it, move time by engine.advance(…) and look at its journal; if it needs more time, advance before`;

function explain(world: LiveRuns, waitingOn: WaitingOn): string {
  switch (waitingOn.kind) {
    case "event": {
      const { step, event } = waitingOn;
      return `waits at step "${step}" for the event "${event}", which no time brings. Send it: run.signal(${JSON.stringify(event)}, …), or engine.notify({ eventId: ${JSON.stringify(event)}, … })`;
    }
    case "child": {
      const { step, runId } = waitingOn;
      return `waits at step "${step}" for its child ${runId}, which ${explainWait(world, runId)}`;
    }
    case "worker": {
      const { workflow, version, function: name } = waitingOn;
      if (name !== undefined)
        return `waits for a worker that offers function "${name}". Give the function to createTestEngine, stub the step, or attach a worker`;
      return `waits for a worker that offers workflow "${workflow}" in version "${version}". Give the workflow to createTestEngine, or attach a worker`;
    }
    case "divergence":
      return `was set aside, since its journal and its code disagree: ${waitingOn.message}`;
    case "quarantine":
      return `was set aside, since the engine crashed again and again at step "${waitingOn.step ?? "?"}"`;
    case "timer":
    case "retry":
      return explainEndless(world);
  }
}
