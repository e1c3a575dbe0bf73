import { describe, expect, test } from "vitest";
import type { BodyLine } from "../body-log.ts";
import type { History, StoredEntry, StoredRun } from "../history.ts";
import { check } from "./check.ts";

const result = (key: string, output: unknown, attempt = 1): StoredEntry => ({
  kind: "result",
  key,
  attempt,
  body: JSON.stringify(output),
});
const message = (id: string, body: object): StoredEntry => ({
  kind: "message",
  key: null,
  attempt: null,
  body: JSON.stringify({ id, body }),
});
const signal = (sequence: number): StoredEntry =>
  message(`s${sequence}`, {
    kind: "signal",
    name: "item",
    data: JSON.stringify({ sequence }),
    key: null,
  });
const waitForChild = (key: string, childId: string): StoredEntry => ({
  kind: "wait",
  key,
  attempt: null,
  body: JSON.stringify({ kind: "child", childId }),
});

const aRun = (id: string, workflow: string, more: Partial<StoredRun> = {}): StoredRun => ({
  id,
  workflow,
  intent: `start-${id}`,
  parent: null,
  status: "completed",
  fence: 1,
  result: null,
  waitingOn: null,
  journal: [],
  ...more,
});

const tokens = (runId: string, steps: readonly string[]): readonly StoredEntry[] =>
  steps.map((step) => result(step, { token: `${runId}/${step}` }));
const bodiesOf = (runId: string, steps: readonly string[]): readonly BodyLine[] =>
  steps.map((step) => ({
    pid: 1,
    runId,
    step,
    attempt: 1,
    key: `key of ${runId}/${step}`,
    token: `${runId}/${step}`,
  }));

const CHAIN = ["a", "b", "c"];
const PAIR = ["a", "b"];
const ENDS = ["open", "close"];

const chain = aRun("r1", "wf_chain", { journal: tokens("r1", CHAIN) });
const long = aRun("r2", "wf_long", { status: "cancelled", journal: tokens("r2", ["a"]) });
const child = aRun("r4", "wf_child", {
  intent: null,
  parent: { runId: "r3", step: "child" },
  result: '{"token":"r4/b"}',
  journal: tokens("r4", PAIR),
});
const childEnd = {
  kind: "child.finished",
  key: "child",
  childId: "r4",
  outcome: { status: "completed", output: '{"token":"r4/b"}' },
};
const parent = aRun("r3", "wf_parent", {
  journal: [...tokens("r3", PAIR), waitForChild("child", "r4"), message("m1", childEnd)],
});
const inbox = aRun("r5", "inbox", {
  result: "[0,1,2,3]",
  journal: [...tokens("r5", ENDS), ...[0, 1, 2, 3].map(signal)],
});
const RUNS = [chain, long, parent, child, inbox];

/** Nothing is wrong with it, but for what is said. */
function aHistory(more: Partial<History> = {}): History {
  const roots = RUNS.filter((run) => run.parent === null);
  return {
    starts: roots.map(({ id, workflow, intent }) => ({
      intent: intent ?? "",
      workflow,
      name: null,
      answers: [id, id],
      newCount: 1,
    })),
    signals: [0, 1, 2, 3].map((sequence) => ({
      id: `s${sequence}`,
      to: "start-r5",
      sequence,
      isAcknowledged: true,
      isBurst: false,
    })),
    events: [],
    listeners: new Map(),
    cancels: new Set(["start-r2"]),
    seenEnds: new Map([["r1", "completed"]]),
    badAnswers: [],
    bodies: [
      ...bodiesOf("r1", CHAIN),
      ...bodiesOf("r2", ["a"]),
      ...bodiesOf("r3", PAIR),
      ...bodiesOf("r4", PAIR),
      ...bodiesOf("r5", ENDS),
    ],
    runs: RUNS,
    keys: roots.map(({ id, intent }) => ({ key: intent ?? "", runId: id })),
    leftovers: { slots: 0 },
    fences: new Map([["r1", 1]]),
    fallenFences: [],
    views: [{ node: "node-0", runId: "r1", asked: "r1", shown: { id: "r1", status: "completed" } }],
    exits: [],
    ...more,
  };
}

const withRun = (run: StoredRun): Partial<History> => ({
  runs: RUNS.map((other) => (other.id === run.id ? run : other)),
});
const withJournal = (run: StoredRun, journal: readonly StoredEntry[]): Partial<History> =>
  withRun({ ...run, journal });
const start = aHistory().starts[0];
const otherStarts = aHistory().starts.slice(1);

describe("check", () => {
  test("finds nothing in a history in which all is well", () => {
    expect(check(aHistory())).toEqual([]);
  });

  const BROKEN: readonly (readonly [what: string, rule: string, more: Partial<History>])[] = [
    ["an acknowledged start that is lost", "K1", { runs: RUNS.filter((run) => run !== chain) }],
    [
      "a start that was acknowledged as two runs",
      "K1",
      { starts: [{ ...aStart(), answers: ["r1", "r9"] }, ...otherStarts] },
    ],
    [
      "a start that was new twice",
      "K1",
      { starts: [{ ...aStart(), newCount: 2 }, ...otherStarts] },
    ],
    ["a key that stands for another run", "K1", { keys: [{ key: "start-r1", runId: "r2" }] }],
    [
      "two runs of one start",
      "K2",
      { runs: [...RUNS, { ...chain, id: "r9", journal: [], status: "cancelled" }] },
    ],
    ["a run that nobody asked for", "K2", { starts: otherStarts }],
    [
      "a result that is there twice",
      "K3",
      withJournal(chain, [...chain.journal, ...chain.journal.slice(0, 1)]),
    ],
    ["a run that completed without a step", "K3", withJournal(chain, chain.journal.slice(1))],
    ["a message that was journaled twice", "K3", withJournal(inbox, [...inbox.journal, signal(3)])],
    [
      "a result that no body gave",
      "K4",
      withJournal(chain, [result("a", { token: "other" }), ...chain.journal.slice(1)]),
    ],
    [
      "a result of another attempt than its body",
      "K4",
      withJournal(chain, [result("a", { token: "r1/a" }, 2), ...chain.journal.slice(1)]),
    ],
    [
      "a step with two keys",
      "K4",
      { bodies: [...aHistory().bodies, ...bodiesOf("r1", ["a"]).map(withOtherKey)] },
    ],
    ["a body of no run", "K4", { bodies: [...aHistory().bodies, ...bodiesOf("r9", ["a"])] }],
    [
      "a signal that is lost",
      "K5",
      withRun({ ...inbox, result: "[0,1,2]", journal: inbox.journal.slice(0, -1) }),
    ],
    [
      "a signal that is lost before its run has ended",
      "K5",
      withRun({ ...inbox, status: null, result: null, journal: inbox.journal.slice(0, -1) }),
    ],
    [
      "a signal that counts twice, under another id",
      "K5",
      withJournal(inbox, [...inbox.journal, message("s9", toSignal(3))]),
    ],
    ["an output that is not what was received", "K5", withRun({ ...inbox, result: "[0,1,3,2]" })],
    [
      "signals in another order",
      "K10",
      withRun({
        ...inbox,
        result: "[0,2,1,3]",
        journal: [...tokens("r5", ENDS), ...[0, 2, 1, 3].map(signal)],
      }),
    ],
    ["a child whose parent is lost", "K6", { runs: RUNS.filter((run) => run !== parent) }],
    [
      "a step with two children",
      "K6",
      { runs: [...RUNS, { ...child, id: "r9", journal: [], status: "cancelled" }] },
    ],
    [
      "a step that waited for two children, though its run has not ended",
      "K6",
      {
        runs: [
          ...RUNS.filter((run) => run !== parent),
          { ...parent, status: null, journal: [...parent.journal, waitForChild("child", "r9")] },
          { ...child, id: "r9", journal: [] },
        ],
      },
    ],
    [
      "a parent that was told of another end",
      "K6",
      withRun({ ...child, result: '{"token":"other"}' }),
    ],
    ["a cancelled run that completed", "K7", withRun({ ...long, status: "completed" })],
    ["a run that failed", "K7", withRun({ ...chain, status: "failed" })],
    ["a run that has not ended", "K7", withRun({ ...chain, status: null })],
    [
      "an end that a client saw, and that is another now",
      "K7",
      { seenEnds: new Map([["r1", "cancelled"]]) },
    ],
    ["a slot that is left", "K8", { leftovers: { slots: 1 } }],
    ["a fence that was higher before", "K8", { fences: new Map([["r1", 2]]) }],
    ["a process that ended by itself", "K8", { exits: ["node-0 ended by itself"] }],
    [
      "a node that does not know a run",
      "K9",
      { views: [{ node: "node-1", runId: "r1", asked: "r1", shown: null }] },
    ],
    ["an answer that no server may give", "K9", { badAnswers: ["a start was answered with 404"] }],
  ];

  test.each(BROKEN)("finds %s", (_, rule, more) => {
    expect(check(aHistory(more)).map((violation) => violation.rule)).toContain(rule);
  });
});

function aStart(): NonNullable<typeof start> {
  if (start === undefined) throw new Error("the history has no starts");
  return start;
}

function toSignal(sequence: number): object {
  return { kind: "signal", name: "item", data: JSON.stringify({ sequence }), key: null };
}

function withOtherKey(line: BodyLine): BodyLine {
  return { ...line, key: "another" };
}
