/** A signal that is made when it is asked for: most code never does, and it costs more than all else around it. */
export class LazyAbort {
  #controller: AbortController | null = null;
  #reason: string | null = null;

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(new Error(this.#reason));
    }
    return this.#controller.signal;
  }

  /** The first reason stands. */
  abort(reason: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(new Error(reason));
  }
}
