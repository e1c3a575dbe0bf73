// docs/state-machine.md against the code: each state is told everything that can happen.
import {
  after,
  RUN_STATUSES,
  STEP_STATUSES,
  type Failure,
  type Timestamp,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aCall,
  aHead,
  aProgram,
  completed,
  json,
  NOON,
  operation,
} from "../packages/engine/src/testkit/builders.ts";
import { begin, createPass } from "../packages/engine/src/core/drive.ts";
import type { TransitionFact } from "../packages/engine/src/core/fact.ts";
import type { OperationBody } from "../packages/engine/src/core/program.ts";
import {
  applyChange,
  createRunState,
  type OperationPhase,
  type RunState,
} from "../packages/engine/src/core/state.ts";
import { transition } from "../packages/engine/src/core/transition.ts";
import { createMemoryStorage } from "../packages/engine/src/storage/memory/memory-storage.ts";
import type { Held, RunHead, RunRow, Unit } from "../packages/engine/src/storage/storage.ts";
import {
  aDelivery,
  aFinish,
  aPark,
  aRun,
  aRunUnit,
  aStart,
  T0,
} from "../packages/engine/src/storage/suite/builders.ts";
import {
  createOpenStorage,
  LEASE_MS,
  type Harness,
} from "../packages/engine/src/storage/suite/harness.ts";
import { readFences, readPage, readSection, readTable, type Page } from "./testkit/read-docs.ts";

const PAGE = readPage("docs/state-machine.md");
const BROKEN: Failure = { code: "step.failed", message: "broken", source: "code" };
const LATER: Timestamp = after(NOON, 60_000);
const CHILD: RunHead = aHead({ depth: 1 });

/** `from | cause | to`, sorted. */
type Edges = readonly string[];

const toEdges = (edges: Iterable<string>): Edges => [...new Set(edges)].toSorted();

const tableOf = (page: Page): Edges =>
  toEdges(
    readTable(page, "From", "Cause", "To").map(
      (it) => `${it["From"]} | ${it["Cause"]} | ${it["To"]}`,
    ),
  );

/** The drawing's edges, but for those from and to nowhere. */
function drawingOf(page: Page): Edges {
  const fence = readFences(page).find(({ language }) => language === "mermaid");
  const edges = (fence?.text ?? "").matchAll(/^ *(\S+) --> (\S+): (.+)$/gm);
  return toEdges(
    Array.from(edges, ([, from = "", to = "", cause = ""]) =>
      [from, cause, to].map((it) => it.replaceAll("_", " ")).join(" | "),
    ),
  );
}

const at = { startedAt: NOON, at: LATER };
const failed = { type: "attempt.failed", failure: BROKEN, retryAfterMs: null, ...at } as const;

/** Everything that can be told, about the operation `a` where it is about one. A new kind does not compile. */
const FACTS: Readonly<
  Record<TransitionFact["type"], (attempt: number) => readonly TransitionFact[]>
> = {
  launched: () => [{ type: "launched", key: "a", at: LATER }],
  "program.ended": () => [{ type: "program.ended", outcome: completed(), at: LATER }],
  "attempt.completed": (attempt) => [
    { type: "attempt.completed", key: "a", attempt, output: json(1), ...at },
  ],
  "attempt.failed": (attempt) => [
    { ...failed, key: "a", attempt, terminal: false },
    { ...failed, key: "a", attempt, terminal: true },
  ],
  "child.prepared": () => [{ type: "child.prepared", key: "a", child: CHILD, at: LATER }],
  "timer.fired": () => [{ type: "timer.fired", key: "a", at: after(LATER, 60_000) }],
  "message.received": () => [
    {
      type: "message.received",
      message: {
        id: "m",
        body: { kind: "child.finished", key: "a", childId: CHILD.id, outcome: completed() },
      },
      at: LATER,
    },
    {
      type: "message.received",
      message: { id: "s", body: { kind: "signal", name: "e", data: json(1), key: null } },
      at: LATER,
    },
    {
      type: "message.received",
      message: { id: "c", body: { kind: "cancel", reason: null } },
      at: LATER,
    },
  ],
  "limit.exceeded": () => [{ type: "limit.exceeded", failure: BROKEN, isFinal: false, at: LATER }],
  "bodies.abandoned": () => [{ type: "bodies.abandoned", at: LATER }],
};

const causeOf = (fact: TransitionFact): string =>
  fact.type === "message.received" ? `${fact.type} (${fact.message.body.kind})` : fact.type;

const BODIES: readonly OperationBody[] = [
  aCall({ retry: { retries: 1, initialDelayMs: 10, maxDelayMs: 10, factor: 1 } }),
  { kind: "value", outcome: { status: "completed", output: json(1) } },
  { kind: "timer", due: { afterMs: 10 } },
  { kind: "child", workflow: "other", input: json(null) },
  { kind: "event", event: "e", timeoutMs: 10, lookbackMs: 0 },
  { kind: "notify", event: "e", data: json(null), runId: null },
];

/** What brings an operation from `requested` into each phase, if its body can get there. */
const WAYS: Readonly<Record<OperationPhase, readonly TransitionFact["type"][]>> = {
  requested: [],
  running: ["launched"],
  retrying: ["launched", "attempt.failed"],
  waiting: ["launched", "child.prepared"],
  settled: ["launched", "attempt.completed", "child.prepared", "timer.fired", "message.received"],
};
// `Object.keys` forgets that the type above names them all.
const PHASES = Object.keys(WAYS) as readonly OperationPhase[];

function tell(run: RunState, fact: TransitionFact): void {
  const decision = transition(run, fact);
  if (!decision.ok) return;
  for (const change of decision.changes) applyChange(run, change);
}

interface Setting {
  readonly body: OperationBody;
  readonly phase: OperationPhase;
  /** Another body of the run that runs beside. */
  readonly hasOther: boolean;
  readonly isStopping: boolean;
}

/** null: an operation with this body never comes into this phase */
function build({ body, phase, hasOther, isStopping }: Setting): RunState | null {
  const run = createRunState(aHead());
  begin(run, aProgram(hasOther ? [operation("b")] : []), NOON, createPass());
  applyChange(run, { type: "requested", key: "a", body });
  for (const type of WAYS[phase]) {
    const [fact] = FACTS[type](1);
    const isFitting = fact !== undefined && run.operations.get("a")?.phase !== phase;
    if (isFitting) tell(run, fact);
  }
  if (run.operations.get("a")?.phase !== phase) return null;
  if (isStopping) applyChange(run, { type: "stopping", outcome: { status: "cancelled" } });
  return run;
}

const SETTINGS: readonly Setting[] = BODIES.flatMap((body) =>
  PHASES.flatMap((phase) =>
    [false, true].flatMap((hasOther) =>
      [false, true].map((isStopping) => ({ body, phase, hasOther, isStopping })),
    ),
  ),
);

/** Tells every fact in every setting. @param look names the state, before and after */
function explore(look: (run: RunState) => string): Edges {
  const edges: string[] = [];
  for (const setting of SETTINGS) {
    for (const fact of Object.values(FACTS).flatMap((toFacts) => [...toFacts(1), ...toFacts(2)])) {
      const run = build(setting);
      // Only a child answers.
      const isAnswer = causeOf(fact).endsWith("(child.finished)");
      if (run === null || (isAnswer && setting.body.kind !== "child")) continue;
      const before = look(run);
      tell(run, fact);
      if (look(run) !== before) edges.push(`${before} | ${causeOf(fact)} | ${look(run)}`);
    }
  }
  return toEdges(edges);
}

async function stateOf({ storage }: Harness, head: RunHead): Promise<string> {
  const found = await storage.read({ kind: "run", tenant: head.tenant, runId: head.id });
  if (found === null) return "absent";
  if ("finished" in found) return "finished";
  const { status, owner, dueAt } = found.live;
  if (owner !== null) return "owned";
  if (status === "pending") return "pending";
  return dueAt === null ? "parked for a message" : "parked until a time";
}

type Act = (h: Harness, head: RunHead) => Promise<unknown>;

const commit =
  (toUnit: (head: RunHead, held: Held) => Unit): Act =>
  async (h, head) => {
    const found = await h.storage.read({ kind: "run", tenant: head.tenant, runId: head.id });
    const run = found !== null && "live" in found ? found.live : notLive(head);
    await h.commit(toUnit(head, { run, journal: [], inbox: [] }));
  };

/** What somebody would take for the run who does not know that it has ended, or never began. */
const notLive = (head: RunHead): RunRow => ({
  ...head,
  status: "running",
  owner: null,
  fence: 1,
  wake: 0,
  dueAt: null,
  recoveries: 0,
  waitingOn: null,
  cancelRequestedAt: null,
  startedAt: null,
});

/** By cause: everything that can be done to a run. */
const ACTS: Readonly<Record<string, readonly Act[]>> = {
  start: [
    commit((head) => aStart(head)),
    (h, head) => h.commit(aStart(head, { owner: h.node("a") })),
  ],
  take: [
    async (h) => {
      h.clock.advance(LEASE_MS / 2);
      const { runs } = await h.storage.findDue(null, 10);
      await h.storage.take(h.node("a"), runs);
    },
  ],
  keep: [commit((_, held) => aRunUnit(held))],
  park: [
    commit((_, held) => aRunUnit(held, { next: aPark(held, { dueAt: after(T0, 1_000) }) })),
    commit((_, held) => aRunUnit(held, { next: aPark(held) })),
    commit((_, held) => aRunUnit(held, { next: aPark(held, { seenWake: -1 }) })),
  ],
  finish: [commit((_, held) => aFinish(held))],
  delivery: [commit((head) => aDelivery(head))],
  reap: [
    async (h) => {
      h.clock.advance(LEASE_MS + 1);
      await h.storage.reap();
    },
  ],
};

const start = (h: Harness, head: RunHead): Promise<unknown> =>
  h.commit(aStart(head, { owner: h.node("a") }));

const STATES: Readonly<Record<string, Act>> = {
  absent: async () => {},
  pending: (h, head) => h.commit(aStart(head)),
  owned: start,
  "parked until a time": async (h, head) => {
    await start(h, head);
    await ACTS["park"]?.[0]?.(h, head);
  },
  "parked for a message": async (h, head) => {
    await start(h, head);
    await ACTS["park"]?.[1]?.(h, head);
  },
  finished: async (h, head) => {
    await start(h, head);
    await ACTS["finish"]?.[0]?.(h, head);
  },
};

const open = createOpenStorage((now) => Promise.resolve({ storage: createMemoryStorage({ now }) }));

async function exploreStore(): Promise<Edges> {
  const edges: string[] = [];
  for (const [state, reach] of Object.entries(STATES)) {
    for (const [cause, acts] of Object.entries(ACTS)) {
      for (const act of acts) {
        await using h = await open();
        const head = aRun();
        await reach(h, head);
        expect(await stateOf(h, head)).toBe(state);
        await act(h, head);
        const to = await stateOf(h, head);
        if (to !== state) edges.push(`${state} | ${cause} | ${to}`);
      }
    }
  }
  return toEdges(edges);
}

describe("docs/state-machine.md", () => {
  test("has the transitions of operations that the core makes, and no others", () => {
    const section = readSection(PAGE, "Operations");
    const actual = explore((run) => run.operations.get("a")?.phase ?? "none");
    expect(tableOf(section)).toEqual(actual);
    expect(drawingOf(section)).toEqual(actual);
    expect(readTable(section, "Phase").map((row) => row["Phase"])).toEqual(PHASES);
  });

  test("has the transitions of runs in memory that the core makes, and no others", () => {
    const section = readSection(PAGE, "Runs in memory");
    const actual = explore((run) =>
      run.ended !== null ? "ended" : run.stopping !== null ? "stopping" : "moving",
    );
    expect(tableOf(section)).toEqual(actual);
    expect(drawingOf(section)).toEqual(actual);
  });

  test("has the transitions of runs in the store that a store makes, and no others", async () => {
    const section = readSection(PAGE, "Runs in the store");
    const actual = await exploreStore();
    expect(tableOf(section)).toEqual(actual);
    const drawn = actual.filter((edge) => !edge.startsWith("absent"));
    expect(drawingOf(section).filter((edge) => !edge.startsWith("[*]"))).toEqual(drawn);
    expect(readTable(section, "State").map((row) => row["State"])).toEqual(Object.keys(STATES));
  });

  test("names every status of runs and steps", () => {
    const statusesOf = (heading: string): unknown =>
      readTable(readSection(PAGE, heading), "Status").map((row) => row["Status"]);
    expect(statusesOf("Status of a run")).toEqual(RUN_STATUSES);
    expect(statusesOf("Status of a step")).toEqual(STEP_STATUSES);
  });
});
