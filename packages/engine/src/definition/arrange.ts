// Makes a plan's steps of what was read: edges, regions, joins. Linear in steps and edges.
import { invariant } from "../core/assert-never.ts";
import { elementAt } from "./element-at.ts";
import { show } from "./json-shape.ts";
import { linkGraph } from "./link-graph.ts";
import { linkList } from "./link-list.ts";
import type { Edges, PlanStep, ReadStep } from "./plan.ts";
import { isGraph, type Flow } from "./read-flow.ts";
import type { Reference } from "./read-steps.ts";
import { findRegions, placesIn, type Regions } from "./regions.ts";
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
  const kinds = read.map(({ kind }) => kind);
  const { edges, entry } = isGraph(flows)
    ? { edges: linkGraph(flows, kinds, report), entry: 0 }
    : linkList(flows, kinds, ids, report);
  refuseEmptyLoops(read, report);
  const regions = findRegions(edges, entry, ids, report);
  if (regions === null || !report.isClean) return null;
  warnOfUnreached(regions, ids, report);
  warnOfEarlyReads(references, ids, regions, report);
  const incoming = countIncoming(edges, regions);
  const anyJoins = findAnyJoins(read, edges, regions);
  const steps = read.map(({ id, step }, position) => {
    invariant(step !== null, `nothing is wrong with step ${show(id)}, and nothing is there of it`);
    return {
      ...step,
      ...elementAt(edges, position),
      position,
      region: regions.of[position] ?? -1,
      incoming: incoming.get(position) ?? 0,
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
  ids: readonly string[],
  { of, mayPrecede }: Regions,
  report: Report,
): void {
  const positions = new Map(ids.map((id, position) => [id, position]));
  const find = (id: string): number => {
    const position = positions.get(id);
    invariant(position !== undefined, `there is no step ${show(id)} to refer to`);
    return position;
  };
  const encloses = (outer: number, inner: number): boolean => {
    for (let at = inner; ; at = elementAt(of, at)) {
      if (at === outer) return true;
      if (at < 0) return false;
    }
  };
  for (const { from, to, at } of references) {
    const source = find(to);
    const region = from === null ? -1 : of[find(from)];
    // What never runs reads nothing.
    if (region === undefined) continue;
    if (!encloses(of[source] ?? -1, region)) {
      report.warn(
        at,
        `Step ${show(to)} is part of a loop, so there is never anything to read outside of it`,
      );
    } else if (from === null) {
      continue;
    } else if (from === to) {
      report.warn(
        at,
        `Step ${show(to)} has not ended when it begins, so there is never anything to read`,
      );
    } else if (!mayPrecede(source, find(from))) {
      report.warn(
        at,
        `Step ${show(to)} does not come before ${show(from)}, so there may be nothing to read`,
      );
    }
  }
}

/** By position. */
function countIncoming(edges: readonly Edges[], { order }: Regions): ReadonlyMap<number, number> {
  const incoming = new Map<number, number>();
  for (const position of order) {
    const { next, otherwise, onError, body } = elementAt(edges, position);
    for (const list of [next, otherwise, onError, body]) {
      for (const to of list) incoming.set(to, (incoming.get(to) ?? 0) + 1);
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
  { order }: Regions,
): ReadonlySet<number> {
  const joins = new Set<number>();
  const places = placesIn(order);
  for (const [position, { step }] of read.entries()) {
    const place = places[position];
    if (step?.work.joinsAny !== true || place === undefined) continue;
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
    for (const first of elementAt(edges, position).next) label(first, first);
    for (let i = place + 1; ahead > 0; i++) {
      const at = elementAt(order, i);
      const branch = labels.get(at);
      if (branch === undefined) continue;
      if (branch !== BELOW) ahead -= 1;
      if (branch === MANY) joins.add(at);
      const { next, otherwise, onError } = elementAt(edges, at);
      for (const to of [...next, ...otherwise, ...onError]) {
        label(to, branch === MANY ? BELOW : branch);
      }
    }
  }
  return joins;
}
