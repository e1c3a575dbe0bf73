// A feed as a streamed body: it is asked for the next item when the reader has taken the last, so a slow reader
// costs one item and what the feed itself keeps.

/** How long a stream is quiet, and how long a reader may be. */
export interface StreamPace {
  readonly heartbeatMs: number;
  /** A reader who takes nothing for so many heartbeats is let go. */
  readonly missedHeartbeats: number;
}

export interface EventStreamOptions<T> extends StreamPace {
  /** @param signal ends the feed */
  readonly open: (signal: AbortSignal) => AsyncGenerator<T, void>;
  readonly toText: (item: T) => string;
  /** Any of them ends the stream. */
  readonly signals: readonly AbortSignal[];
  /** Called once, however it ends. */
  readonly onClosed: () => void;
}

const HEARTBEAT = ":\n\n";

export function openEventStream<T>(options: EventStreamOptions<T>): ReadableStream<Uint8Array> {
  const { open, toText, signals, onClosed, heartbeatMs, missedHeartbeats } = options;
  const life = new AbortController();
  const signal = AbortSignal.any([life.signal, ...signals]);
  const encoder = new TextEncoder();
  const feed = open(signal);
  let missed = 0;
  let isClosed = false;
  let heart: NodeJS.Timeout | undefined;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(heart);
    life.abort();
    // Nobody takes what it would still say.
    feed.return().catch(() => undefined);
    onClosed();
  };
  const beat = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const isTaken = (controller.desiredSize ?? 0) > 0;
    missed = isTaken ? 0 : missed + 1;
    if (isTaken) controller.enqueue(encoder.encode(HEARTBEAT));
    else if (missed >= missedHeartbeats) {
      controller.error(new Error("the reader takes nothing"));
      close();
    }
  };
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      heart = setInterval(() => beat(controller), heartbeatMs).unref();
      // Also while nobody reads: then nothing is pulled that could notice.
      signal.addEventListener("abort", () => {
        if (isClosed) return;
        close();
        controller.close();
      });
    },
    pull: async (controller) => {
      try {
        const next = await feed.next();
        if (isClosed) return;
        if (next.done !== true) {
          controller.enqueue(encoder.encode(toText(next.value)));
          return;
        }
        close();
        controller.close();
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel: close,
  });
}

/** How many streams a process may have open, and at what pace they beat. */
export class StreamGate {
  readonly pace: StreamPace;
  readonly #most: number;
  #open = 0;

  constructor(most: number = MOST_STREAMS, pace: StreamPace = PACE) {
    this.#most = most;
    this.pace = pace;
  }

  get open(): number {
    return this.#open;
  }

  /** @returns gives the place back, once; null: there is none */
  enter(): (() => void) | null {
    if (this.#open >= this.#most) return null;
    this.#open += 1;
    return () => {
      this.#open -= 1;
    };
  }
}

/** Each is an open connection, of which a process takes 10,000. */
const MOST_STREAMS = 2_000;
/** Proxies commonly cut connections that are quiet for 30 to 60 s. */
const PACE: StreamPace = { heartbeatMs: 15_000, missedHeartbeats: 4 };
