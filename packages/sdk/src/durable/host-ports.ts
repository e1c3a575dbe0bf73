/** What a host takes from the world; a simulation gives its own. */
export interface HostPorts {
  /** Calls back when every microtask that is due has run. */
  readonly macrotask: (callback: () => void) => void;
  /** @returns what takes it back */
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  /**
   * Knows in whose body code runs, also behind an `await`: an `AsyncLocalStorage` of Node. null: only a body's
   * synchronous part is known, so a step inside a step is refused there alone.
   */
  readonly bodyScope: BodyScope | null;
}

export interface BodyScope {
  run<T>(store: unknown, callback: () => T): T;
  getStore(): unknown;
}

/** Of whatever this runs in. */
export const defaultPorts = (): HostPorts => ({
  macrotask: findMacrotask(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  bodyScope: null,
});

type Macrotask = HostPorts["macrotask"];

function findMacrotask(): Macrotask {
  // Not in browsers and some edge runtimes, whatever the types say.
  const immediate = Reflect.get(globalThis, "setImmediate") as typeof setImmediate | undefined;
  if (immediate !== undefined) return (callback) => void immediate(callback);
  if (Reflect.get(globalThis, "MessageChannel") === undefined)
    return (callback) => void setTimeout(callback, 0);
  return createChannelMacrotask();
}

/** Timers of browsers wait for 4 ms when they are nested; messages do not. */
function createChannelMacrotask(): Macrotask {
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => waiting.shift()?.());
  port1.start();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(null);
  };
}
