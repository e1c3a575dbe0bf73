// One loop on its way: which passes have begun and ended, and what came of them.
import { asJsonText, type Failure, type JsonText, type JsonValue } from "@millrace/protocol";
import type { ValueOutcome } from "../core/program.ts";
import { Pass, type Activity, type Token } from "./pass.ts";
import { LazyJson } from "./scope.ts";
import type { LoopWork } from "./step-kind.ts";
import { showError } from "./step-failure.ts";

export class LoopRun {
  readonly activity: Activity;
  readonly work: LoopWork;
  /** Of a pass. Set: nothing new begins, and the loop fails as soon as nothing of it is under way. */
  failure: Failure | null = null;
  /** Of the loop itself, which is then no longer looked at: its limit, or its condition. No pass is under way. */
  problem: Failure | null = null;
  /** Nothing is left to do, or the limit is reached. */
  isExhausted = false;
  readonly #items: readonly JsonValue[] | null;
  #begun = 0;
  #active = 0;
  #succeeded = 0;
  #failed = 0;
  #isTruncated = false;
  #isFinished = false;
  #last: LazyJson;
  readonly #results: JsonText[] = [];

  constructor(activity: Activity, work: LoopWork, items: readonly JsonValue[] | null) {
    this.activity = activity;
    this.work = work;
    this.#items = items;
    this.#last = activity.token.result;
    // That there is too much is known before anything is done.
    if (work.failsAtLimit && items !== null && items.length > work.maxIterations) this.#overrun();
  }

  /** A failure of a pass goes no further than some step, and does not end the run. */
  get isHandled(): boolean {
    const { step, pass } = this.activity;
    if (this.work.continueOnError || step.fallback !== null || step.onError.length > 0) return true;
    return pass.loop?.isHandled ?? false;
  }

  /** Whether to look for another pass now. */
  get mayBegin(): boolean {
    if (this.isExhausted || this.failure !== null || this.problem !== null) return false;
    if (this.#active >= this.work.concurrency || this.activity.pass.isClosed) return false;
    return this.#items === null || this.#begun < this.#items.length;
  }

  /** The next pass, not begun. */
  propose(): { readonly pass: Pass; readonly token: Token } {
    const index = this.#begun;
    const item = this.#items === null ? undefined : LazyJson.of(this.#items[index] ?? null);
    const { error } = this.activity.token;
    return {
      pass: new Pass(this, `${this.activity.key}[${index}]/`, index, item),
      token: { result: item ?? this.#last, error },
    };
  }

  /** @returns false: there is more to do than the loop may, and it ends here */
  begin(): boolean {
    if (this.#begun < this.work.maxIterations) {
      this.#begun += 1;
      this.#active += 1;
      return true;
    }
    this.isExhausted = true;
    this.#overrun();
    return false;
  }

  #overrun(): void {
    if (this.work.failsAtLimit) {
      const message = `There is more to do than maxIterations, which is ${this.work.maxIterations}`;
      this.problem = { code: "loop.limit", message, source: "definition", step: this.activity.key };
    } else this.#isTruncated = true;
  }

  /** A step of the pass has failed, and nothing in the pass handles that. */
  passFailed(pass: Pass, failure: Failure): void {
    pass.failure = failure;
    if (!this.work.continueOnError) this.failure ??= failure;
  }

  /** @param result null: it has none, since it failed */
  ended(pass: Pass, result: LazyJson | null): void {
    this.#active -= 1;
    const { failure } = pass;
    if (failure === null) this.#succeeded += 1;
    else this.#failed += 1;
    if (result !== null && failure === null) this.#last = result;
    if (!this.work.collects) return;
    this.#results[pass.index] =
      failure === null
        ? (result?.text ?? asJsonText("null"))
        : asJsonText(JSON.stringify({ error: showError(failure) }));
  }

  /** True once: the last pass is over, and no other will begin. */
  finish(): boolean {
    if (this.#isFinished || this.#active > 0 || this.mayBegin) return false;
    this.#isFinished = true;
    return true;
  }

  toOutcome(): ValueOutcome {
    if (this.problem !== null) return { status: "failed", failure: this.problem };
    const count = this.#succeeded + this.#failed;
    const head = `"count":${count},"succeeded":${this.#succeeded},"failed":${this.#failed},"truncated":${this.#isTruncated}`;
    const results = this.work.collects ? `,"results":[${this.#results.join(",")}]` : "";
    return { status: "completed", output: asJsonText(`{${head}${results}}`) };
  }
}
