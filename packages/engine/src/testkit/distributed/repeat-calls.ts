// A store whose caller is patient, as the engine is: its lanes, its claimer and its services send again what may have
// been done, until the store says what became of it.
import { MillraceError, type RunId } from "@millrace/protocol";
import type { CommitOutcome, Storage, Unit } from "../../storage/storage.ts";

/** No call meets so many faults in a row that come by chance. */
const MOST_TRIES = 50;

/** @param call is told whether an earlier try may have been done */
async function repeatCall<T>(call: (isRepeat: boolean) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call(tries > 1);
    } catch (error) {
      const isPassing = MillraceError.is(error) && error.code === "storage.unavailable";
      if (!isPassing || tries === MOST_TRIES) throw error;
    }
  }
}

/** Everything but control writes and reaping. */
export function repeatCalls(storage: Storage): Storage {
  const { catalog } = storage;
  const answered = new Set<RunId>();
  return {
    ...storage,
    catalog: {
      ...catalog,
      get: (...args) => repeatCall(() => catalog.get(...args)),
      list: (...args) => repeatCall(() => catalog.list(...args)),
    },
    join: (node) => repeatCall(() => storage.join(node)),
    beat: (node) => repeatCall(() => storage.beat(node)),
    commit: (lane, node, units) =>
      repeatCall(async (isRepeat) => {
        const outcomes = await storage.commit(lane, node, units);
        return outcomes.map((outcome, i) => toAnswer(outcome, units[i], { isRepeat, answered }));
      }),
    findDue: (...args) => repeatCall(() => storage.findDue(...args)),
    take: (...args) => repeatCall(() => storage.take(...args)),
    read: (query) => repeatCall(() => storage.read(query)),
  };
}

interface Answering {
  readonly isRepeat: boolean;
  /** Runs of which somebody was told that they were started. */
  readonly answered: Set<RunId>;
}

/**
 * A start that is found by its own id was accepted before. Where nobody has been told so yet, it was by an earlier try
 * of the same call, and this is its first answer; the engine takes it for that, too.
 */
function toAnswer(
  outcome: CommitOutcome,
  unit: Unit | undefined,
  { isRepeat, answered }: Answering,
): CommitOutcome {
  if (unit?.kind !== "start") return outcome;
  const { id } = unit.run;
  const isOwn = outcome.kind === "existing" && outcome.runId === id;
  if (outcome.kind !== "done" && !isOwn) return outcome;
  const isFirst = !answered.has(id);
  answered.add(id);
  return isRepeat && isFirst ? { kind: "done" } : outcome;
}
