// Shows the server that a worker is alive. In Node from a thread of its own, so that a loop of the author's that
// computes for a while is no dead worker; where there are no threads, or requests do not go the usual way, by a timer.

/** One attachment. */
export interface HeartbeatTask {
  /** Whole address that beats go to. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly everyMs: number;
  /** When the main loop was silent for longer, the thread is silent, too: this is no worker any more. */
  readonly silenceMs: number;
}

export interface Heart {
  /** Safe to call twice. */
  stop(): void;
}

export type StartHeart = (task: HeartbeatTask) => Heart;

/** What the thread is given. */
export interface HeartbeatThreadData extends HeartbeatTask {
  /** One number, which the main loop counts up. */
  readonly pulse: SharedArrayBuffer;
}

const PULSES_PER_SILENCE = 10;
const LONGEST_PULSE_MS = 1_000;

/** Falls back to a timer when the thread cannot be had. */
export const beatFromThread: StartHeart = (task) => {
  let inner: Heart = { stop: () => undefined };
  let isStopped = false;
  const replace = (heart: Heart): void => {
    inner.stop();
    inner = heart;
    if (isStopped) heart.stop();
  };
  const fallBack = (): void => {
    if (!isStopped) replace(beatByTimer(fetch)(task));
  };
  openThread(task, fallBack).then(replace, fallBack);
  return {
    stop: () => {
      isStopped = true;
      inner.stop();
    },
  };
};

async function openThread(task: HeartbeatTask, onDied: () => void): Promise<Heart> {
  const { Worker } = await import("node:worker_threads");
  const pulse = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const count = new Int32Array(pulse);
  const entry = new URL(
    import.meta.url.endsWith(".ts") ? "./heartbeat-thread.ts" : "./heartbeat-thread.js",
    import.meta.url,
  );
  const workerData: HeartbeatThreadData = { ...task, pulse };
  // Its flags may be none that a thread takes.
  const thread = new Worker(entry, { name: "millrace-heartbeat", workerData, execArgv: [] });
  // Neither keeps a process alive that has nothing else to do.
  thread.unref();
  const pulseMs = Math.min(LONGEST_PULSE_MS, task.silenceMs / PULSES_PER_SILENCE);
  const timer = setInterval(() => Atomics.add(count, 0, 1), pulseMs);
  timer.unref();
  const stop = (): void => {
    clearInterval(timer);
    void thread.terminate();
  };
  thread.once("error", () => {
    stop();
    onDied();
  });
  return { stop };
}

/** @param send how requests go to the server */
export const beatByTimer =
  (send: typeof fetch): StartHeart =>
  ({ url, headers, everyMs }) => {
    const life = new AbortController();
    const timer = setInterval(() => {
      send(url, { method: "POST", headers, body: "{}", signal: life.signal })
        .then((response) => response.body?.cancel())
        // Whoever listens for commands finds out what is wrong.
        .catch(() => undefined);
    }, everyMs);
    return {
      stop: () => {
        clearInterval(timer);
        life.abort();
      },
    };
  };
