// Edges, regions and joins of a definition as decision 0009 words them, without a thought for speed: the reference that the
// planner is compared with. It reads only what is right already, and shares no code with what reads definitions.
import type { JsonValue } from "@millrace/protocol";

export type Raw = { readonly [key: string]: JsonValue };
export type Reason = "next" | "else" | "error" | "body";

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly reason: Reason;
}

const isRaw = (value: JsonValue | undefined): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text or a list of texts as a list. */
const many = (value: JsonValue | undefined): readonly string[] =>
  value === undefined || value === null ? [] : ([value].flat() as string[]);

export const textOf = (value: JsonValue | undefined, otherwise = ""): string =>
  typeof value === "string" ? value : otherwise;

export class ReferenceGraph {
  /** By id, in the order of the definition. */
  readonly steps: ReadonlyMap<string, Raw>;
  readonly entry: string;
  /** Between steps that can be reached. */
  readonly edges: readonly Edge[];
  /** Steps that run at the first taken edge. */
  readonly anyJoins: ReadonlySet<string>;
  readonly #bodies: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(definition: Raw) {
    const list = definition["steps"] as readonly Raw[];
    this.steps = new Map(list.map((step) => [textOf(step["id"]), step]));
    const ids = [...this.steps.keys()];
    const isGraph = list.some((step) => many(step["next"]).length > 0);
    const all = isGraph ? ids.flatMap((id) => this.#graphEdges(id)) : this.#listEdges();
    const claimed = isGraph ? new Set<string>() : this.#claimed();
    this.entry = ids.find((id) => !claimed.has(id)) ?? "";
    const reached = reach([this.entry], all);
    this.edges = all.filter(({ from }) => reached.has(from));
    const loops = ids.filter((id) => this.kind(id) === "loop");
    this.#bodies = new Map(
      loops.map((id) => [
        id,
        reach(
          this.from(id, "body").map(({ to }) => to),
          this.edges,
        ),
      ]),
    );
    this.anyJoins = new Set(ids.filter((id) => reached.has(id)).flatMap((id) => this.#joinsOf(id)));
  }

  step(id: string): Raw {
    return this.steps.get(id) ?? {};
  }

  kind(id: string): string {
    return textOf(this.step(id)["type"]);
  }

  config(id: string): Raw {
    const config = this.step(id)["config"];
    return isRaw(config) ? config : {};
  }

  from(id: string, ...reasons: Reason[]): readonly Edge[] {
    return this.edges.filter((edge) => edge.from === id && reasons.includes(edge.reason));
  }

  to(id: string): readonly Edge[] {
    return this.edges.filter((edge) => edge.to === id);
  }

  /** The innermost loop that the step is in the body of; "": none. */
  regionOf(id: string): string {
    const around = [...this.#bodies].filter(([, body]) => body.has(id));
    return around.toSorted(([, a], [, b]) => a.size - b.size)[0]?.[0] ?? "";
  }

  /** In the order of the definition. Steps that nothing leads to are part of none. */
  stepsOf(region: string): readonly string[] {
    return [...this.steps.keys()].filter(
      (id) => (id === this.entry || this.to(id).length > 0) && this.regionOf(id) === region,
    );
  }

  /** In config, or beside it. */
  #targets(id: string, name: string): readonly string[] {
    return many(this.config(id)[name] ?? this.step(id)[name]);
  }

  #graphEdges(id: string): readonly Edge[] {
    const edge = (reason: Reason, targets: readonly string[]): Edge[] =>
      [...new Set(targets)].map((to) => ({ from: id, to, reason }));
    const next = many(this.step(id)["next"]);
    const kind = this.kind(id);
    const errors = edge("error", this.#targets(id, "onError"));
    if (kind === "loop") {
      const body = [...next, ...many(this.config(id)["steps"])];
      return [...edge("body", body), ...edge("next", this.#targets(id, "done")), ...errors];
    }
    if (kind === "condition") {
      const then = edge("next", [...next, ...this.#targets(id, "then")]);
      return [...then, ...edge("else", this.#targets(id, "else")), ...errors];
    }
    const branches = kind === "parallel" ? this.#branches(id).flat() : [];
    return [...edge("next", [...next, ...branches]), ...errors];
  }

  #branches(id: string): readonly (readonly string[])[] {
    const branches = this.config(id)["branches"];
    return Array.isArray(branches) ? (branches as JsonValue[]).map(many) : [];
  }

  #claimed(): ReadonlySet<string> {
    return new Set(
      [...this.steps.keys()].flatMap((id) => [
        ...["then", "else", "done", "onError"].flatMap((name) => this.#targets(id, name)),
        ...(this.kind(id) === "loop" ? many(this.config(id)["steps"]) : []),
        ...this.#branches(id).flat(),
      ]),
    );
  }

  #listEdges(): readonly Edge[] {
    const claimed = this.#claimed();
    const edges: Edge[] = [];
    const line = (ids: readonly string[], follow: string | null): void => {
      for (const [i, id] of ids.entries()) one(id, ids[i + 1] ?? follow);
    };
    const one = (from: string, after: string | null): void => {
      const lead = (reason: Reason, ids: readonly string[], follow: string | null): void => {
        const to = ids[0] ?? follow;
        if (to !== null) edges.push({ from, to, reason });
        line(ids, follow);
      };
      const branches = this.#branches(from).filter((branch) => branch.length > 0);
      for (const branch of branches) lead("next", branch, after);
      if (branches.length === 0) {
        const first = this.kind(from) === "loop" ? "done" : "then";
        lead("next", this.#targets(from, first), after);
      }
      if (this.kind(from) === "condition") lead("else", this.#targets(from, "else"), after);
      lead("error", this.#targets(from, "onError"), null);
      if (this.kind(from) === "loop") lead("body", many(this.config(from)["steps"]), null);
    };
    line(
      [...this.steps.keys()].filter((id) => !claimed.has(id)),
      null,
    );
    return edges;
  }

  #joinsOf(id: string): readonly string[] {
    const { waitFor, waitForAll } = this.config(id);
    const isAny = waitFor === "any" || (waitFor === undefined && waitForAll === false);
    if (this.kind(id) !== "parallel" || !isAny) return [];
    const inside = this.edges.filter(({ reason }) => reason !== "body");
    const branches = this.from(id, "next").map(({ to }) => reach([to], inside));
    const met = [...this.steps.keys()].filter(
      (step) => branches.filter((branch) => branch.has(step)).length > 1,
    );
    return met.filter((step) => !met.some((up) => up !== step && reach([up], inside).has(step)));
  }
}

/** All that edges lead to from there, and where they begin. */
function reach(from: readonly string[], edges: readonly Edge[]): ReadonlySet<string> {
  const reached = new Set(from);
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const edge of edges) if (reached.has(edge.from)) reached.add(edge.to);
  }
  return reached;
}
