// Random definitions are run until they fail or are cancelled at a random moment, then retried with bodies that all
// succeed, settled in a random order.
import { toTimestamp, type JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aHead, json } from "../testkit/builders.ts";
import { compileWorkflow, GraphRun } from "../testkit/graph-run.ts";
import { graphSamples, listSamples, type Sample } from "../testkit/random-definitions.ts";
import { carryOver } from "./carry-over.ts";
import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import type { Operation } from "./state.ts";

type Deed = "ok" | "retry" | "fail";

const outputOf = (key: string): JsonValue => ({ n: key.length % 10, by: key, items: [4, 6] });

function factOf({ key, body, phase, attempt, wait }: Operation, at: Fact["at"], does: Deed): Fact {
  if (phase === "retrying" || wait?.kind === "timer") return { type: "timer.fired", key, at };
  const output = json(outputOf(key));
  const failure = { code: "step.failed", message: key, source: "code", attempt } as const;
  if (wait?.kind === "child") {
    const outcome =
      does === "fail"
        ? ({ status: "failed", failure } as const)
        : ({ status: "completed", output } as const);
    const answer = { kind: "child.finished", key, childId: wait.childId, outcome } as const;
    return { type: "message.received", message: { id: key, body: answer }, at };
  }
  if (body?.kind === "child") return { type: "child.prepared", key, child: aHead(), at };
  const times = { key, attempt, startedAt: at, at };
  if (does === "ok" || (does === "retry" && attempt === 2)) {
    return { type: "attempt.completed", ...times, output };
  }
  return { type: "attempt.failed", ...times, failure, retryAfterMs: null, terminal: false };
}

/** @param does what the body of a key does */
function play(run: GraphRun, { picks }: Sample, does: (key: string) => Deed, cancelAt = -1): void {
  for (let moves = 0; run.ended === null; moves++) {
    const pick = picks[moves % picks.length] ?? 0;
    const isStopping = run.state.stopping !== null;
    const open = [...run.state.open].filter(({ phase }) => !isStopping || phase === "running");
    const operation = open[pick % open.length];
    if (operation === undefined) throw new Error("the run stands still");
    const at = toTimestamp(Math.max(run.now + (pick % 3), operation.dueAt ?? 0));
    const message = { id: "cancel", body: { kind: "cancel", reason: null } } as const;
    if (moves === cancelAt) run.tell({ type: "message.received", message, at });
    else if (isStopping && pick % 2 === 0) run.tell({ type: "bodies.abandoned", at });
    else run.tell(factOf(operation, at, does(operation.key)));
  }
}

const settledWell = (journal: readonly Entry[]): string[] =>
  journal.flatMap((entry) => {
    if (entry.kind === "result") return [entry.key];
    if (entry.kind !== "message" || entry.message.body.kind !== "child.finished") return [];
    return entry.message.body.outcome.status === "completed" ? [entry.message.body.key] : [];
  });

const finalFailures = (journal: readonly Entry[]): string[] =>
  journal.flatMap((entry) =>
    entry.kind === "failure" && entry.retryAt === null ? [entry.key] : [],
  );

function check(sample: Sample, cancelAt: number, seen: Set<string>): void {
  const { deeds } = sample;
  const deedOf = (key: string): Deed => deeds[(key.length * 7) % deeds.length]?.does ?? "ok";
  const workflow = compileWorkflow(sample.definition);
  const first = GraphRun.beginOf(workflow, sample.input);
  play(first, sample, deedOf, cancelAt);
  if (first.ended === null || first.ended.status === "completed") return;
  const { head, journal } = first.state;
  const copy = structuredClone(journal);
  const old = { head, journal, stoppedAt: null };
  const entries = carryOver(old, (it) => workflow.create(it), head);
  expect(journal, "the old journal is left alone").toEqual(copy);

  const again = GraphRun.replay(workflow, entries, sample.input);
  const kept = finalFailures(entries);
  again.resume();
  const done = settledWell(journal);
  expect(settledWell(entries)).toEqual(done);
  for (const { key, phase } of again.state.open) {
    expect(done, `${key} had completed`).not.toContain(key);
    expect(phase).not.toBe("settled");
  }
  play(again, sample, () => "ok");
  const asked = again.effects.flatMap((effect) => ("key" in effect ? [effect.key] : []));
  for (const key of asked) expect(done, `${key} was asked for again`).not.toContain(key);
  for (const key of kept) expect(asked, `${key} had failed and was handled`).not.toContain(key);
  // Bodies succeed now, so what still fails is the definition's fault.
  const blame = again.ended?.status === "failed" ? again.ended.failure.source : "definition";
  expect(blame).toBe("definition");
  seen.add(first.ended.status).add(`then ${again.ended?.status}`);
  if (kept.length > 0) seen.add("a handled failure stays");
  if (entries.length < journal.length) seen.add("something is left out");
  const after = journal.findIndex((entry) => entry.kind === "failure" && !kept.includes(entry.key));
  if (after >= 0 && settledWell(journal.slice(after + 1)).length > 0) {
    seen.add("a result beside the failure is kept");
  }
}

const ALL_SEEN = [
  "a handled failure stays",
  "a result beside the failure is kept",
  "cancelled",
  "failed",
  "something is left out",
  "then completed",
];

describe("carryOver", () => {
  test.each([
    ["a graph", graphSamples],
    ["a list", listSamples],
  ])("lets %s go on from where it failed, and asks for nothing twice", (_, samples) => {
    const seen = new Set<string>();
    const moments = fc.integer({ min: -10, max: 12 });
    fc.assert(
      fc.property(samples, moments, (sample, cancelAt) => check(sample, cancelAt, seen)),
      { numRuns: 600 },
    );
    for (const what of ALL_SEEN) expect([...seen], "is met at all").toContain(what);
  });
});
