// A run of a definition as decision 0009 words it. After each settlement it looks at all edges of all passes until nothing
// changes, with no queue and no counter. Where the text leaves a choice (which of two edges that are taken at the
// same moment an `any` join runs at), it asks for one.
import type { Failure, JsonValue, StepStatus } from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import { textOf, type Edge, type Raw, type ReferenceGraph } from "./reference-graph.ts";
import {
  ChoiceNeeded,
  evaluate,
  isContinue,
  showError,
  type Asked,
  type End,
  type Meanings,
  type Token,
  type View,
} from "./reference-values.ts";
import { aPass, type Begun, type EdgeState, type Pass, type World } from "./reference-state.ts";

export class ReferenceRun {
  /** What was asked for since the last settlement. */
  asked: Map<string, Asked> = new Map();
  ended: End | null = null;
  readonly #graph: ReferenceGraph;
  readonly #definition: Raw;
  readonly #meanings: Meanings;
  readonly #input: JsonValue;
  readonly #choices: ReadonlyMap<string, string>;
  readonly #passes: Pass[];
  readonly #begun = new Map<string, Begun>();
  readonly #settled = new Map<string, StepStatus>();
  #now: number;

  constructor(world: World, choices: ReadonlyMap<string, string>) {
    this.#graph = world.graph;
    this.#definition = world.definition;
    this.#meanings = world.meanings;
    this.#input = world.input;
    this.#now = world.at;
    this.#choices = choices;
    const token = { result: world.input, error: undefined };
    this.#passes = [
      aPass({ prefix: "", loop: null, region: "", index: -1, item: undefined, token, outer: null }),
    ];
    this.#settle();
  }

  /** @throws {ChoiceNeeded} */
  tell(key: string, outcome: Outcome, at: number): void {
    this.#settled.set(key, outcome.status);
    this.asked = new Map();
    // A run that has ended hears nothing more.
    if (this.ended !== null) return;
    this.#now = at;
    const begun = this.#begun.get(key);
    if (begun === undefined) throw new Error(`${key} settles, and was not asked for`);
    if (outcome.status === "completed") {
      begun.state = "completed";
      begun.output = JSON.parse(outcome.output) as JsonValue;
    } else if (outcome.status === "failed") {
      this.#failStep(begun, { ...outcome.failure, step: key });
    }
    this.#settle();
  }

  /** What the program was not told of an operation, since the run was over or about to be. */
  note(key: string, status: StepStatus): void {
    this.#settled.set(key, status);
  }

  /**
   * Of the steps of the run itself, and of operations of passes, by key.
   *
   * @param isOver false: the run goes on, or bodies that were told to stop have their grace
   */
  statuses(isOver: boolean): Map<string, string> {
    const statuses = new Map<string, string>();
    const [root] = this.#passes;
    for (const id of this.#graph.steps.keys()) {
      if (this.#graph.regionOf(id) !== "" || root === undefined) continue;
      statuses.set(id, this.#statusOf(root, id, isOver));
    }
    for (const [key, { pass, id, state }] of this.#begun) {
      // A loop of a pass is shown once it has an operation.
      const isHidden =
        this.#graph.kind(id) === "loop" ? !this.#settled.has(key) : state === "guarded";
      if (pass.loop !== null && !isHidden) statuses.set(key, this.#statusOf(pass, id, isOver));
    }
    return statuses;
  }

  #statusOf(pass: Pass, id: string, isOver: boolean): string {
    const key = pass.prefix + id;
    const settled = this.#settled.get(key);
    if (settled !== undefined) return settled;
    const begun = this.#begun.get(key);
    if (begun?.state === "guarded") return "skipped";
    if (begun === undefined) {
      return isOver || this.#isDead(pass, id) ? "skipped" : "pending";
    }
    if (begun.failure !== null) return "failed";
    return isOver ? "cancelled" : "running";
  }

  /** Until nothing changes. */
  #settle(): void {
    while (this.ended === null && this.#change());
    if (this.ended?.status === "failed") this.asked = new Map();
  }

  #change(): boolean {
    for (const pass of this.#passes) {
      if (pass.result !== undefined) continue;
      if (this.#beginsOne(pass, false) || this.#mayEnd(pass)) return true;
    }
    for (const begun of this.#begun.values()) {
      if (begun.state === "loop" && !begun.isOver && this.#mayTurn(begun)) return true;
    }
    // Last: whichever of the branches that come to it in one instant may be the first.
    return this.#passes.some((pass) => pass.result === undefined && this.#beginsOne(pass, true));
  }

  #beginsOne(pass: Pass, isAnyJoin: boolean): boolean {
    if (this.#isClosed(pass)) return false;
    return this.#graph
      .stepsOf(pass.region)
      .some((id) => this.#graph.anyJoins.has(id) === isAnyJoin && this.#mayBegin(pass, id));
  }

  #edgesTo(pass: Pass, id: string): { from: string; state: EdgeState }[] {
    const edges = this.#graph
      .to(id)
      .map((edge) => ({ from: edge.from, state: this.#stateOf(pass, edge) }));
    const isEntry = pass.loop === null && id === this.#graph.entry;
    return isEntry ? [{ from: "", state: pass.token }, ...edges] : edges;
  }

  #stateOf(pass: Pass, { from, reason }: Edge): EdgeState {
    if (reason === "body") return pass.token;
    const begun = this.#begun.get(pass.prefix + from);
    if (begun === undefined) return this.#isDead(pass, from) ? "dead" : "open";
    const { state, token, output = null } = begun;
    switch (state) {
      case "asked":
      case "loop":
        return "open";
      case "guarded":
        return reason === "next" ? token : "dead";
      case "failed": {
        const error = showError(begun.failure);
        if (reason === "error") return { result: { error, input: token.result }, error };
        // Of a failure that nothing here handles nothing follows.
        return this.#graph.from(from, "error").length > 0 ? "dead" : "open";
      }
      case "completed": {
        const kind = this.#graph.kind(from);
        const isTrue = kind !== "condition" || (output as Raw)?.["result"] === true;
        if (reason !== (isTrue ? "next" : "else")) return "dead";
        const passesOn = kind === "condition" || kind === "parallel";
        return { result: passesOn ? token.result : output, error: token.error };
      }
    }
  }

  /** Not begun, and never to begin. */
  #isDead(pass: Pass, id: string): boolean {
    const isBegun = this.#begun.has(pass.prefix + id);
    const edges = this.#edgesTo(pass, id);
    return !isBegun && edges.length > 0 && edges.every(({ state }) => state === "dead");
  }

  #mayBegin(pass: Pass, id: string): boolean {
    const key = pass.prefix + id;
    if (this.#begun.has(key)) return false;
    const edges = this.#edgesTo(pass, id);
    const taken = edges.flatMap(({ from, state }) =>
      typeof state === "object" ? { from, token: state } : [],
    );
    if (taken.length === 0) return false;
    if (!this.#graph.anyJoins.has(id)) {
      if (edges.some(({ state }) => state === "open")) return false;
      this.#begin(pass, id, this.#join(taken));
      return true;
    }
    const options = taken.map(({ from }) => from);
    const choice = options.length === 1 ? options[0] : this.#choices.get(key);
    const chosen = taken.find(({ from }) => from === choice);
    if (chosen === undefined) throw new ChoiceNeeded(key, options);
    this.#begin(pass, id, chosen.token);
    return true;
  }

  #join(taken: readonly { from: string; token: Token }[]): Token {
    const ids = [...this.#graph.steps.keys()];
    const sorted = taken.toSorted((a, b) => ids.indexOf(a.from) - ids.indexOf(b.from));
    const [first] = sorted;
    if (first !== undefined && sorted.length === 1) return first.token;
    return {
      result: Object.fromEntries(sorted.map(({ from, token }) => [from, token.result])),
      error: sorted.find(({ token }) => token.error !== undefined)?.token.error,
    };
  }

  #begin(pass: Pass, id: string, token: Token): void {
    const key = pass.prefix + id;
    const { condition } = this.#graph.step(id);
    const kind = this.#graph.kind(id);
    const view = this.#viewOf(pass, token);
    const add = (
      state: Begun["state"],
      asked: Asked | null,
      items: Begun["items"] = null,
    ): void => {
      this.#begun.set(key, {
        pass,
        id,
        token,
        state,
        output: undefined,
        failure: null,
        items,
        isOver: false,
      });
      if (asked !== null) this.asked.set(key, asked);
    };
    if (kind === "condition") {
      add("asked", { output: { result: Boolean(this.#evaluate(condition, view)) } });
    } else if (kind === "loop") {
      const { items, maxIterations = 100, onLimit } = this.#graph.config(id);
      const list = items === undefined ? null : this.#evaluate(items, view);
      if (list === null) add("loop", null);
      else if (!Array.isArray(list)) add("asked", "fails");
      else if (list.length > Number(maxIterations) && onLimit === "fail") add("asked", "fails");
      else add("loop", null, list as JsonValue[]);
    } else if (condition !== undefined && !this.#evaluate(condition, view)) {
      add("guarded", null);
    } else {
      add("asked", this.#ask(id, kind, view));
    }
  }

  #ask(id: string, kind: string, view: View): Asked {
    const { input, mapping } = this.#graph.config(id);
    if (kind === "wait") return "waits";
    if (kind === "parallel") return { output: {} };
    if (kind === "transform") return { output: this.#evaluate(mapping, view) ?? null };
    return { input: input === undefined ? view.result : (this.#evaluate(input, view) ?? null) };
  }

  #failStep(begun: Begun, failure: Failure): void {
    const { pass, id, token } = begun;
    begun.state = "failed";
    begun.failure = failure;
    if (this.#isClosed(pass)) return;
    const { errorHandling } = this.#graph.step(id);
    if (isContinue(errorHandling)) {
      begun.state = "completed";
      begun.output = this.#evaluate(errorHandling["fallback"], this.#viewOf(pass, token)) ?? null;
    } else if (this.#graph.from(id, "error").length === 0) this.#failPass(pass, failure);
  }

  /** Nothing in the pass handles the failure. */
  #failPass(pass: Pass, failure: Failure): void {
    const loop = this.#loopOf(pass);
    const isBorne = (one: Begun | null): boolean =>
      one !== null &&
      (this.#graph.config(one.id)["continueOnError"] === true ||
        isContinue(this.#graph.step(one.id)["errorHandling"]) ||
        this.#graph.from(one.id, "error").length > 0 ||
        isBorne(this.#loopOf(one.pass)));
    if (isBorne(loop)) {
      pass.failure = failure;
      return;
    }
    this.ended = { status: "failed", failure };
    for (let around = loop; around !== null; around = this.#loopOf(around.pass)) {
      around.failure = failure;
    }
  }

  #loopOf(pass: Pass): Begun | null {
    return pass.loop === null ? null : (this.#begun.get(pass.loop) ?? null);
  }

  /** Of the first pass that failed, if that is more than the loop bears. */
  #loopFailure({ pass, id }: Begun): Failure | null {
    if (this.#graph.config(id)["continueOnError"] === true) return null;
    const key = pass.prefix + id;
    return this.#passes.find((one) => one.loop === key && one.failure !== null)?.failure ?? null;
  }

  /** Nothing new begins in it. */
  #isClosed(pass: Pass): boolean {
    const loop = this.#loopOf(pass);
    if (loop === null || pass.outer === null) return false;
    return pass.failure !== null || this.#loopFailure(loop) !== null || this.#isClosed(pass.outer);
  }

  #isUnderWay(begun: Begun): boolean {
    return begun.state === "asked" || (begun.state === "loop" && !begun.isOver);
  }

  #mayEnd(pass: Pass): boolean {
    const own = [...this.#begun.values()].filter((begun) => begun.pass === pass);
    if (own.some((begun) => this.#isUnderWay(begun))) return false;
    const isWaiting = (id: string): boolean =>
      !this.#begun.has(pass.prefix + id) && !this.#isDead(pass, id);
    const steps = this.#graph.stepsOf(pass.region);
    if (!this.#isClosed(pass) && steps.some(isWaiting)) return false;
    const ends = own.flatMap((begun) => {
      const out = this.#graph.from(begun.id, "next", "else", "error");
      if (begun.state === "failed") return [];
      if (out.some((edge) => typeof this.#stateOf(pass, edge) === "object")) return [];
      return { from: begun.id, token: this.#tokenOf(begun) };
    });
    const token = ends.length === 0 ? null : this.#join(ends);
    pass.result = token?.result ?? null;
    if (pass.loop === null && token !== null) {
      const { output } = this.#definition;
      const view = this.#viewOf(pass, token);
      const value = output === undefined ? token.result : this.#evaluate(output, view);
      this.ended = { status: "completed", output: value ?? null };
    }
    return true;
  }

  /** What leaves a step that ended well, by whatever edge. */
  #tokenOf({ id, state, token, output = null }: Begun): Token {
    const passesOn =
      state === "guarded" || ["condition", "parallel"].includes(this.#graph.kind(id));
    return passesOn ? token : { result: output, error: token.error };
  }

  #mayTurn(loop: Begun): boolean {
    const key = loop.pass.prefix + loop.id;
    const passes = this.#passes.filter((pass) => pass.loop === key);
    const active = passes.filter((pass) => pass.result === undefined).length;
    const failure = this.#loopFailure(loop);
    const isClosed = failure !== null || this.#isClosed(loop.pass);
    const next = isClosed ? "none" : this.#nextPass(loop, passes, active);
    if (typeof next === "object") {
      this.#passes.push(next);
      return true;
    }
    if (active > 0) return false;
    loop.isOver = true;
    if (this.#isClosed(loop.pass)) return true;
    if (failure !== null) {
      this.#failStep(loop, failure);
      return true;
    }
    loop.state = "asked";
    const isTruncated = next === "limit";
    const fails = isTruncated && this.#graph.config(loop.id)["onLimit"] === "fail";
    this.asked.set(key, fails ? "fails" : { output: this.#outputOf(loop, passes, isTruncated) });
    return true;
  }

  #nextPass(loop: Begun, passes: readonly Pass[], active: number): Pass | "none" | "limit" {
    const { maxIterations = 100, concurrency = 1, condition } = this.#graph.config(loop.id);
    const { pass: outer, items } = loop;
    const index = passes.length;
    const { error } = loop.token;
    const key = outer.prefix + loop.id;
    const base = { prefix: `${key}[${index}]/`, loop: key, region: loop.id, index, outer };
    const isFull = index >= Number(maxIterations);
    if (items !== null) {
      if (index >= items.length) return "none";
      if (isFull) return "limit";
      if (active >= Number(concurrency)) return "none";
      const item = items[index] ?? null;
      return aPass({ ...base, item, token: { result: item, error } });
    }
    if (active > 0) return "none";
    const last = passes.findLast(({ failure }) => failure === null)?.result;
    const result = last === undefined ? loop.token.result : last;
    const pass = aPass({ ...base, item: undefined, token: { result, error } });
    const goesOn = this.#evaluate(
      condition ?? this.#graph.step(loop.id)["condition"],
      this.#viewOf(pass, pass.token),
    );
    if (!goesOn) return "none";
    return isFull ? "limit" : pass;
  }

  #outputOf(loop: Begun, passes: readonly Pass[], truncated: boolean): JsonValue {
    const failed = passes.filter(({ failure }) => failure !== null).length;
    const counts = { count: passes.length, succeeded: passes.length - failed, failed, truncated };
    if (this.#graph.config(loop.id)["collect"] === false) return counts;
    const results = passes.map(({ failure, result = null }) =>
      failure === null ? result : { error: showError(failure) },
    );
    return { ...counts, results };
  }

  #viewOf(pass: Pass, token: Token): View {
    const around: Pass[] = [];
    for (let at: Pass | null = pass; at !== null; at = at.outer) around.push(at);
    return {
      ...token,
      input: this.#input,
      now: this.#now,
      variables: around.flatMap(({ region, index, item }) => {
        const { itemVariable = "item", indexVariable = "index" } = this.#graph.config(region);
        if (region === "") return [];
        const own = [{ name: textOf(indexVariable), value: index as JsonValue }];
        return item === undefined ? own : [...own, { name: textOf(itemVariable), value: item }];
      }),
      output: (id) => {
        const home = around.find(({ region }) => region === this.#graph.regionOf(id));
        return home === undefined ? undefined : this.#begun.get(home.prefix + id)?.output;
      },
    };
  }

  #evaluate(value: JsonValue | undefined, view: View): JsonValue | undefined {
    return evaluate(value, view, this.#meanings);
  }
}
