import { toTimestamp, type JsonValue, type Timestamp } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { call, compileWorkflow, GraphRun, withSteps } from "../testkit/graph-run.ts";
import { carryOver } from "./carry-over.ts";
import type { Entry } from "./entry.ts";

const shown = (entries: readonly Entry[]): readonly string[] =>
  entries.map((entry) => (entry.kind === "message" ? "message" : `${entry.kind} ${entry.key}`));

/** What a retry of a run begins with, once the run has been brought to an end. */
function carried(
  definition: JsonValue,
  live: (run: GraphRun) => void,
  stoppedAt: Timestamp | null = null,
): { readonly entries: readonly Entry[]; readonly again: GraphRun } {
  const workflow = compileWorkflow(definition);
  const run = GraphRun.beginOf(workflow);
  live(run);
  const { head, journal } = run.state;
  const entries = carryOver({ head, journal, stoppedAt }, (it) => workflow.create(it), head);
  const again = GraphRun.replay(workflow, entries, {});
  again.resume();
  return { entries, again };
}

const HANDLED = withSteps(
  call("a", { onError: ["rescue"], next: ["b"] }),
  call("rescue", { next: ["b"] }),
  call("b"),
);

describe("carryOver", () => {
  test("keeps a failure that the program went on from", () => {
    const { entries, again } = carried(HANDLED, (run) => {
      run.fail("a");
      run.complete("rescue");
      run.fail("b");
    });
    expect(shown(entries)).toEqual(["failure a", "result rescue"]);
    expect(again.running).toEqual(["b"]);
  });

  test("keeps what came before an entry that the program cannot follow", () => {
    const workflow = compileWorkflow(HANDLED);
    const run = GraphRun.beginOf(workflow);
    run.complete("a");
    const { head, journal } = run.state;
    const strange: Entry = { ...journal[0], kind: "result", key: "nobody", attempt: 1 } as Entry;
    const ended = { head, journal: [...journal, strange], stoppedAt: null };
    expect(shown(carryOver(ended, (it) => workflow.create(it), head))).toEqual(["result a"]);
  });

  test("leaves out a failure after the deadline, though there is somebody to handle it", () => {
    const stop = (run: GraphRun): void => run.fail("a");
    const before = carried(HANDLED, stop);
    expect(shown(before.entries)).toEqual(["failure a"]);
    // Bodies that are told to stop fail a moment later.
    const after = carried(HANDLED, stop, toTimestamp(1_001));
    expect(shown(after.entries)).toEqual([]);
    expect(after.again.running).toEqual(["a"]);
  });

  test("keeps a result that came while the run was ending already", () => {
    const both = withSteps(
      { id: "fork", type: "parallel", next: ["a", "b"] },
      call("a", { next: ["c"] }),
      call("b", { next: ["c"] }),
      call("c"),
    );
    const { entries, again } = carried(both, (run) => {
      run.fail("a");
      run.complete("b", 2);
    });
    expect(shown(entries)).toEqual(["result fork", "result b"]);
    expect(again.running).toEqual(["a"]);
    again.complete("a", 1);
    expect(again.running).toEqual(["c"]);
  });

  test("fails again at once where no step had failed, but the definition", () => {
    const definition = {
      ...withSteps(call("a")),
      output: { n: "{{input.n | divided_by: steps.a.output}}" },
    };
    const { entries, again } = carried(definition, (run) => run.complete("a", 0));
    expect(shown(entries)).toEqual(["result a"]);
    expect(again.ended?.status).toBe("failed");
  });
});
