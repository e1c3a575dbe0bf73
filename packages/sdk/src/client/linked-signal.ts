/** A signal that others give as well. Dispose of it, or a long-lived one among them keeps it for ever. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  dispose(): void;
}

/** What `AbortSignal.any` does, which early releases of Node 20 lack. */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const own = new AbortController();
  const given = signals.filter((signal) => signal !== undefined);
  const onAbort = (event: Event): void => {
    // Listened to on signals only.
    own.abort((event.target as AbortSignal).reason);
  };
  for (const signal of given) {
    if (signal.aborted) own.abort(signal.reason);
    else signal.addEventListener("abort", onAbort);
  }
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    dispose: () => {
      for (const signal of given) signal.removeEventListener("abort", onAbort);
    },
  };
}
