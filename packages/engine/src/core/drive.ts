// Feeds facts to a run and lets its program answer, until nothing more follows.
//
//   D1. The program hears of settlements one at a time, in journal order, in life and in replay alike.
//   D2. What it asks for is registered before the next settlement is told, so that positions agree.
import type { Settlement, Timestamp } from "@millrace/protocol";
import { invariant } from "./assert-never.ts";
import type { Entry } from "./entry.ts";
import type { Effect, Fact, TransitionFact } from "./fact.ts";
import type { Program, Request } from "./program.ts";
import type { OutboxMessage } from "./run-head.ts";
import { applyChange, toOperationKind, type Operation, type RunState } from "./state.ts";
import { transition } from "./transition.ts";
import { deadlineFailure } from "./deadline.ts";

/** What a pass over some facts has brought; the entries are the tail of `run.journal`. */
export interface Pass {
  readonly effects: Effect[];
  readonly outbox: OutboxMessage[];
}

export const createPass = (): Pass => ({ effects: [], outbox: [] });

/** A new run: the program says what it wants first. */
export function begin(run: RunState, program: Program, at: Timestamp, pass: Pass): void {
  follow(run, program, register(run, program.begin()), at, pass);
}

/** One fact, and all that the program asks for because of it. */
export function drive(run: RunState, program: Program, fact: Fact, pass: Pass): void {
  if (fact.type === "asked") {
    follow(run, program, registerAsked(run, fact), fact.at, pass);
    return;
  }
  follow(run, program, hear(run, program, decide(run, fact, pass)), fact.at, pass);
}

/** Launches what was registered. Values settle at once, so the program may ask for more on the way. */
function follow(run: RunState, program: Program, keys: string[], at: Timestamp, pass: Pass): void {
  for (const key of keys) {
    // What was asked for beside a failure does not begin any more.
    if (run.wanted !== null) break;
    const settled = decide(run, { type: "launched", key, at }, pass);
    if (settled !== null) keys.push(...hear(run, program, settled));
  }
  if (run.wanted !== null) decide(run, { type: "program.ended", outcome: run.wanted, at }, pass);
}

/** Applies what a fact brings. @returns the operation that it settled; a fact settles one at most */
function decide(run: RunState, fact: TransitionFact, pass: Pass): Operation | null {
  const decision = transition(run, fact);
  if (!decision.ok) return null;
  let settled: Operation | null = null;
  const wasStopped = run.stop !== null;
  for (const change of decision.changes) {
    const now = applyChange(run, change);
    settled = now ?? settled;
    if (now !== null && run.isHosted)
      pass.effects.push({ type: "tell", settlement: toSettlement(run, now) });
  }
  // One that ends at once has nothing to undo.
  if (run.stop !== null && !wasStopped && run.ended === null)
    pass.effects.push({ type: "tell.stop", notice: run.stop });
  pass.effects.push(...decision.effects);
  pass.outbox.push(...decision.outbox);
  return settled;
}

/** Tells the program of a settlement, and registers what it wants now; a host is told once it is durable. @returns the new keys */
export function hear(run: RunState, program: Program, settled: Operation | null): string[] {
  const outcome = settled?.outcome ?? null;
  if (settled === null || outcome === null || run.isHosted) return [];
  if (run.stopping !== null || run.ended !== null) return [];
  const entry = run.journal.at(-1);
  invariant(entry !== undefined, "an operation settles by an entry, which is the last one then");
  return register(run, program.settled(settled.key, outcome, entry.endedAt));
}

/** @returns the keys of the operations that it asks for */
export function register(run: RunState, requests: readonly Request[]): string[] {
  const keys: string[] = [];
  for (const request of requests) {
    if (request.kind === "end") {
      run.wanted = request.outcome;
      continue;
    }
    invariant(
      !run.operations.has(request.key),
      `the program asks twice for ${JSON.stringify(request.key)}`,
    );
    applyChange(run, { type: "requested", key: request.key, body: request.body });
    keys.push(request.key);
  }
  return keys;
}

/**
 * What a host asks for. A host that was told of a stop asks for compensation only; what it had asked for before it knew
 * is not begun any more.
 *
 * @returns the keys of what may begin, or go on
 */
function registerAsked(
  run: RunState,
  { position, requests }: Extract<Fact, { type: "asked" }>,
): string[] {
  const keys: string[] = [];
  if (run.ended !== null || run.stopping !== null) return keys;
  const isStale = run.stop !== null && position < run.stop.sequence;
  for (const request of requests) {
    if (request.kind === "end") {
      run.wanted = request.outcome;
      continue;
    }
    const { key, body } = request;
    const known = run.operations.get(key);
    if (known === undefined) {
      if (isStale) continue;
      applyChange(run, { type: "requested", key, body, position });
    } else if (known.body === null) known.body = body;
    else continue;
    keys.push(key);
  }
  return keys;
}

/** The first place where a journal and a program disagree. */
export interface Divergence {
  readonly step: string | null;
  readonly message: string;
}

/**
 * Rebuilds a run from its journal: the program is told the same settlements in the same order, and nothing
 * is decided anew. Open operations are left for `resume`.
 *
 * @returns null, or how the program differs from the one that wrote the journal
 */
export function replay(
  run: RunState,
  program: Program,
  journal: readonly Entry[],
): Divergence | null {
  register(run, program.begin());
  for (const entry of journal) {
    const difference = compare(run, entry);
    if (difference !== null) return difference;
    hear(run, program, applyChange(run, { type: "journaled", entry }));
  }
  return null;
}

/**
 * Rebuilds a code run from its journal, without its code: what is open stands there until its host asks for it again.
 *
 * @returns what its host has to be told, in this order
 */
export function rebuild(run: RunState, journal: readonly Entry[]): readonly Settlement[] {
  const settlements: Settlement[] = [];
  for (const entry of journal) {
    if (entry.kind !== "message" && !run.operations.has(entry.key)) {
      const { key, position } = entry;
      applyChange(run, { type: "requested", key, body: null, position });
    }
    const settled = applyChange(run, { type: "journaled", entry });
    if (settled !== null) settlements.push(toSettlement(run, settled));
  }
  return settlements;
}

/** Of the operation that the last entry has settled. */
function toSettlement(run: RunState, operation: Operation): Settlement {
  const { key, position, outcome } = operation;
  const entry = run.journal.at(-1);
  invariant(entry !== undefined && outcome !== null, "an operation settles by an entry");
  const sequence = run.journal.length;
  return { sequence, key, position, kind: toOperationKind(operation), outcome, at: entry.endedAt };
}

/** Lets every open operation of a replayed run go on, or the run end if it was on its way to an end. */
export function resume(run: RunState, program: Program, at: Timestamp, pass: Pass): void {
  // No body of the former owner lives here.
  if (run.stopping !== null) decide(run, { type: "bodies.abandoned", at }, pass);
  const { deadlineAt } = run.head;
  if (deadlineAt !== null && deadlineAt <= at) {
    const failure = deadlineFailure(deadlineAt);
    decide(run, { type: "limit.exceeded", failure, isFinal: false, at }, pass);
  }
  // Its host has not said yet what it wants.
  if (run.isHosted) return;
  const keys = Array.from(run.open, (operation) => operation.key);
  follow(run, program, keys, at, pass);
}

/** @returns how an entry differs from what the program asks for; null: it does not */
export function compare(run: RunState, entry: Entry): Divergence | null {
  if (entry.kind === "message") return null;
  const operation = run.operations.get(entry.key);
  if (operation === undefined) {
    return {
      step: entry.key,
      message: `The journal has a ${entry.kind} of step ${entry.key}, which the program has not asked for`,
    };
  }
  if (operation.phase === "settled") {
    return {
      step: entry.key,
      message: `The journal has a second ${entry.kind} of step ${entry.key} after its end`,
    };
  }
  if (operation.position !== entry.position) {
    return {
      step: entry.key,
      message: `Step ${entry.key} was requested at journal position ${entry.position}, and now at ${operation.position}`,
    };
  }
  return null;
}
