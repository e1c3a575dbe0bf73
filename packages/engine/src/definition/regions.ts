// Which steps are part of which loop's body, and in which order they can run at all.
import { elementAt } from "./element-at.ts";
import { show } from "./json-shape.ts";
import type { Edges } from "./plan.ts";
import type { Report } from "./report.ts";

export interface Regions {
  /** By position: the loop whose body the step is part of; -1: none; undefined: no edge leads to it. */
  readonly of: readonly (number | undefined)[];
  /** Positions, every step after all that lead to it. Only those that can be reached. */
  readonly order: readonly number[];
  /** False: no path leads from the one to the other, which can be reached both. True: one may. */
  readonly mayPrecede: (earlier: number, later: number) => boolean;
}

/**
 * Walks from the entry along all edges. Reports circles, also those that the entry does not lead to, and edges that enter or
 * leave a loop's body.
 *
 * @returns null: there are circles
 */
export function findRegions(
  edges: readonly Edges[],
  entry: number,
  ids: readonly string[],
  report: Report,
): Regions | null {
  const order = findOrder(edges, entry, ids, report);
  if (order === null) return null;
  const of: (number | undefined)[] = ids.map(() => undefined);
  of[entry] = -1;
  for (const position of order) {
    const { next, otherwise, onError, body } = elementAt(edges, position);
    const region = elementAt(of, position);
    const enter = (to: number, wanted: number): void => {
      const known = of[to];
      if (known === undefined) of[to] = wanted;
      else if (known !== wanted) refuseCrossing(position, to, known, wanted, ids, report);
    };
    for (const to of body) enter(to, position);
    for (const to of [...next, ...otherwise, ...onError]) enter(to, region);
  }
  refuseDepth(of, order, ids, report);
  return { of, order, mayPrecede: comparer(order, edges, entry) };
}

/** The key of an operation names every loop around it, and all keys are kept. */
export const MAX_LOOP_DEPTH = 32;

function refuseDepth(
  of: readonly (number | undefined)[],
  order: readonly number[],
  ids: readonly string[],
  report: Report,
): void {
  const depths: number[] = [];
  for (const position of order) {
    const region = elementAt(of, position);
    const depth = region < 0 ? 0 : elementAt(depths, region) + 1;
    depths[position] = depth;
    if (depth <= MAX_LOOP_DEPTH) continue;
    report.error(
      ["steps", position],
      `Step ${show(elementAt(ids, position))} is in more than ${MAX_LOOP_DEPTH} loops, one in another`,
      "make the inner ones a workflow of their own, and run it by a step of type `subworkflow`",
    );
    return;
  }
}

function refuseCrossing(
  from: number,
  to: number,
  known: number,
  wanted: number,
  ids: readonly string[],
  report: Report,
): void {
  const name = (position: number): string => show(elementAt(ids, position));
  const place = (region: number): string =>
    region < 0 ? "outside of any loop" : `in the body of loop ${name(region)}`;
  report.error(
    ["steps", from],
    `Step ${name(from)} leads to ${name(to)} as a step ${place(wanted)}, but that is one ${place(known)}`,
    "what a loop repeats is everything that its body leads to; what comes after the loop is its `done`",
  );
}

/**
 * Two orders, in which the branches of a step follow each other the one and the other way round: what stands before another
 * step in both comes before it. That is exact where branches meet again as they parted; elsewhere it errs towards true.
 */
function comparer(
  order: readonly number[],
  edges: readonly Edges[],
  entry: number,
): Regions["mayPrecede"] {
  const other: number[] = [];
  walk(entry, new Map(), (position) => targetsOf(elementAt(edges, position)).toReversed(), {
    left: (position) => other.push(position),
    circle: () => {},
  });
  const both = [placesIn(order), placesIn(other.toReversed())];
  return (earlier, later) =>
    both.every((places) => (places[earlier] ?? Infinity) < elementAt(places, later));
}

/** By position; undefined: it is not in the order. */
export function placesIn(order: readonly number[]): readonly (number | undefined)[] {
  const places: (number | undefined)[] = [];
  for (const [place, position] of order.entries()) places[position] = place;
  return places;
}

const MOST_SHOWN = 10;
const MOST_CIRCLES = 10;

/** @returns null: there are circles, which are reported */
function findOrder(
  edges: readonly Edges[],
  entry: number,
  ids: readonly string[],
  report: Report,
): readonly number[] | null {
  const finished: number[] = [];
  let circles = 0;
  const state: WalkState = new Map();
  const targets = (position: number): readonly number[] => targetsOf(elementAt(edges, position));
  const visitor: Visitor = {
    left: (position) => finished.push(position),
    circle(path, to) {
      circles += 1;
      if (circles > MOST_CIRCLES) return;
      const whole = path();
      refuseCircle(whole.slice(whole.indexOf(to)), edges, ids, report);
    },
  };
  walk(entry, state, targets, visitor);
  const order = finished.toReversed();
  for (const position of ids.keys()) walk(position, state, targets, visitor);
  return circles > 0 ? null : order;
}

const targetsOf = ({ next, otherwise, onError, body }: Edges): number[] => [
  ...next,
  ...otherwise,
  ...onError,
  ...body,
];

type WalkState = Map<number, "open" | "done">;

interface Visitor {
  /** All that the step leads to has been left. */
  left(position: number): void;
  /** An edge leads back into the path to it. */
  circle(path: () => readonly number[], to: number): void;
}

/** Depth first, with a stack of its own: a chain may be as long as there are steps. */
function walk(
  from: number,
  state: WalkState,
  targets: (position: number) => readonly number[],
  visitor: Visitor,
): void {
  if (state.has(from)) return;
  const stack: { readonly position: number; readonly to: readonly number[]; at: number }[] = [];
  const push = (position: number): void => {
    state.set(position, "open");
    stack.push({ position, to: targets(position), at: 0 });
  };
  push(from);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const to = top.to[top.at++];
    if (to === undefined) {
      state.set(top.position, "done");
      visitor.left(top.position);
      stack.pop();
    } else if (state.get(to) === "open") {
      visitor.circle(() => stack.map(({ position }) => position), to);
    } else if (!state.has(to)) push(to);
  }
}

function refuseCircle(
  circle: readonly number[],
  edges: readonly Edges[],
  ids: readonly string[],
  report: Report,
): void {
  const names = [...circle, ...circle.slice(0, 1)].map((position) => elementAt(ids, position));
  const shown = names.length > MOST_SHOWN ? [...names.slice(0, MOST_SHOWN), "…"] : names;
  const isLoop = circle.some((position) => elementAt(edges, position).body.length > 0);
  report.error(
    ["steps", elementAt(circle, circle.length - 1)],
    `Steps lead to each other in a circle: ${shown.join(" → ")}`,
    isLoop
      ? "a pass of a loop ends by itself, where nothing comes next"
      : "use a step of type `loop` to repeat",
  );
}
