// What a reference run remembers.
import type { Failure, JsonValue } from "@millrace/protocol";
import type { Raw, ReferenceGraph } from "./reference-graph.ts";
import type { Meanings, Token } from "./reference-values.ts";

export interface Pass {
  readonly prefix: string;
  /** Key of the loop; null: the run itself. */
  readonly loop: string | null;
  readonly region: string;
  readonly index: number;
  readonly item: JsonValue | undefined;
  readonly token: Token;
  readonly outer: Pass | null;
  failure: Failure | null;
  /** undefined: it has not ended. null: it has, without a result. */
  result: JsonValue | null | undefined;
}

export interface Begun {
  readonly pass: Pass;
  readonly id: string;
  readonly token: Token;
  /** `loop`: its passes are under way. */
  state: "asked" | "guarded" | "loop" | "completed" | "failed";
  output: JsonValue | undefined;
  failure: Failure | null;
  readonly items: readonly JsonValue[] | null;
  isOver: boolean;
}

export type EdgeState = "open" | "dead" | Token;

/** What a run is of. */
export interface World {
  readonly graph: ReferenceGraph;
  readonly definition: Raw;
  readonly meanings: Meanings;
  readonly input: JsonValue;
  /** When it begins. */
  readonly at: number;
}

export const aPass = (pass: Omit<Pass, "failure" | "result">): Pass => ({
  ...pass,
  failure: null,
  result: undefined,
});
