// Makes a plan's steps of what was read: edges, regions, joins. Linear in steps and edges.
import { show } from "./json-shape.ts";
import { linkGraph } from "./link-graph.ts";
import { linkList } from "./link-list.ts";
import type { Edges, PlanStep, ReadStep } from "./plan.ts";
import { isGraph, type Flow } from "./read-flow.ts";
import type { Reference } from "./read-steps.ts";
import { findRegions, type Regions } from "./regions.ts";
import type { Report } from "./report.ts";
import type { StepFlow } from "./step-kind.ts";

/** A step with what it says of others; in the order of the definition. */
export interface FlowStep {
  readonly id: string;
  readonly flow: Flow;
  readonly kind: StepFlow | undefined;
  /** null: a mistake left nothing, which is reported. */
  readonly step: ReadStep | null;
}

export interface Arranged {
  readonly steps: readonly PlanStep[];
  readonly entry: number;
}

/** @returns null: something is wrong with the flow or the steps, which is reported */
export function arrange(
  read: readonly FlowStep[],
  references: readonly Reference[],
  report: Report,
): Arranged | null {
  const flows = read.map(({ flow }) => flow);
  const ids = read.map(({ id }) => id);
  const positions = new Map(ids.map((id, position) => [id, position]));
  const kinds = read.map(({ kind }) => kind);
  const { edges, entry } = isGraph(flows)
    ? { edges: linkGraph(flows, kinds, positions, report), entry: 0 }
    : linkList(flows, kinds, ids, positions, report);
  refuseEmptyLoops(read, report);
  const regions = findRegions(edges, entry, ids, report);
  if (!report.isClean) return null;
  warnOfUnreached(regions, ids, report);
  warnOfEarlyReads(references, positions, regions, report);
  const incoming = countIncoming(edges, regions);
  const anyJoins = findAnyJoins(read, edges, regions);
  const steps = read.flatMap(({ step }, position) => {
    const own = edges[position];
    if (step === null || own === undefined) return [];
    return {
      ...step,
      ...own,
      position,
      region: regions.of[position] ?? -1,
      incoming: incoming[position] ?? 0,
      isAnyJoin: anyJoins.has(position),
      loop: step.work.loop ?? null,
    };
  });
  return { steps, entry };
}

function refuseEmptyLoops(read: readonly FlowStep[], report: Report): void {
  for (const [position, { id, kind, flow }] of read.entries()) {
    if (kind !== "loop" || flow.hasBody) continue;
    report.error(
      ["steps", position],
      `The loop ${show(id)} repeats nothing`,
      "name the first step of its body in `next`, or in a list the steps of it in `config.steps`",
    );
  }
}

function warnOfUnreached({ of }: Regions, ids: readonly string[], report: Report): void {
  for (const [position, id] of ids.entries()) {
    if (of[position] !== undefined) continue;
    report.warn(
      ["steps", position],
      `Nothing leads from the first step to ${show(id)}, so it never runs`,
      "a graph begins with its first step; name this one in some `next`",
    );
  }
}

/** A step that cannot have run by then, whatever is chosen, gives nothing to read. */
function warnOfEarlyReads(
  references: readonly Reference[],
  positions: ReadonlyMap<string, number>,
  { of, mayPrecede }: Regions,
  report: Report,
): void {
  const encloses = (outer: number, inner: number): boolean => {
    for (let at = inner; ; at = of[at] ?? -1) {
      if (at === outer) return true;
      if (at < 0) return false;
    }
  };
  for (const { from, to, at } of references) {
    const source = positions.get(to) ?? -1;
    const reader = from === null ? null : (positions.get(from) ?? -1);
    const sourceRegion = of[source] ?? -1;
    if (reader !== null && of[reader] === undefined) continue;
    if (!encloses(sourceRegion, reader === null ? -1 : (of[reader] ?? -1))) {
      report.warn(
        at,
        `Step ${show(to)} is part of a loop, so there is never anything to read outside of it`,
      );
    } else if (reader === source) {
      report.warn(
        at,
        `Step ${show(to)} has not ended when it begins, so there is never anything to read`,
      );
    } else if (reader !== null && !mayPrecede(source, reader)) {
      report.warn(
        at,
        `Step ${show(to)} does not come before ${show(from ?? "")}, so there may be nothing to read`,
      );
    }
  }
}

function countIncoming(edges: readonly Edges[], { order }: Regions): readonly number[] {
  const incoming = edges.map(() => 0);
  for (const position of order) {
    const { next = [], otherwise = [], onError = [], body = [] } = edges[position] ?? {};
    for (const list of [next, otherwise, onError, body]) {
      for (const to of list) incoming[to] = (incoming[to] ?? 0) + 1;
    }
  }
  return incoming;
}

/** Labels of steps below a parallel step, beside the branch that they are part of. */
const MANY = -1;
const BELOW = -2;

/**
 * For each parallel step that waits for any: the first step that paths from two of its branches lead to; of several that are
 * not below each other, each.
 */
function findAnyJoins(
  read: readonly FlowStep[],
  edges: readonly Edges[],
  { of, order }: Regions,
): ReadonlySet<number> {
  const joins = new Set<number>();
  const places = new Map(order.map((position, place) => [position, place]));
  for (const [position, { step }] of read.entries()) {
    if (step?.work.joinsAny !== true || of[position] === undefined) continue;
    const labels = new Map<number, number>();
    // Labelled steps that are yet to come and are part of one branch: without them no other join is found.
    let ahead = 0;
    const label = (to: number, branch: number): void => {
      const known = labels.get(to);
      if (known === BELOW) return;
      if (known === undefined) ahead += branch === BELOW ? 0 : 1;
      else if (branch === BELOW) ahead -= 1;
      const isShared = branch !== BELOW && known !== undefined && known !== branch;
      labels.set(to, isShared ? MANY : branch);
    };
    for (const first of edges[position]?.next ?? []) label(first, first);
    for (let i = (places.get(position) ?? 0) + 1; ahead > 0 && i < order.length; i++) {
      const at = order[i] ?? 0;
      const branch = labels.get(at);
      if (branch === undefined) continue;
      if (branch !== BELOW) ahead -= 1;
      if (branch === MANY) joins.add(at);
      const { next = [], otherwise = [], onError = [] } = edges[at] ?? {};
      for (const to of [...next, ...otherwise, ...onError]) {
        label(to, branch === MANY ? BELOW : branch);
      }
    }
  }
  return joins;
}
