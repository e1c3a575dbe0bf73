/**
 * What operations return. It knows whether anybody waits for it, and a rejection that nobody has taken yet is no stray one:
 * the function may come to it later, or not at all, which the run's end finds.
 */
export class DurablePromise<T> extends Promise<T> {
  #onAwaited: (() => void) | null = null;

  /** What `then` gives is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @param onAwaited at the first `then`, which `await`, `Promise.all` and `Promise.race` call too */
  static create<T>(onAwaited: () => void): Deferred<T> {
    let resolve: Deferred<T>["resolve"] = ignore;
    let reject: Deferred<T>["reject"] = ignore;
    const promise = new DurablePromise<T>((resolveIt, rejectIt) => {
      resolve = resolveIt;
      reject = rejectIt;
    });
    promise.#onAwaited = onAwaited;
    return { promise, resolve, reject };
  }

  static of<T>(source: Promise<T>, onAwaited: () => void): DurablePromise<T> {
    const { promise, resolve } = DurablePromise.create<T>(onAwaited);
    promise.expectRejection();
    resolve(source);
    return promise;
  }

  /** From now on a rejection is nobody's surprise. */
  expectRejection(): void {
    void super.then(undefined, ignore);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise, which has one
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onAwaited?.();
    this.#onAwaited = null;
    return super.then(onFulfilled, onRejected);
  }
}

export interface Deferred<T> {
  readonly promise: DurablePromise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason: unknown) => void;
}

const ignore = (): void => undefined;
