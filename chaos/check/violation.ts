/** Rules are told apart by number; `docs/operating/chaos.md` lists them. */
export type Rule = "K1" | "K2" | "K3" | "K4" | "K5" | "K6" | "K7" | "K8" | "K9" | "K10";

export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}
