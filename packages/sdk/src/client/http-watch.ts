// Follows a run over server-sent events, through lost connections and restarts of the server.
import {
  asJsonText,
  fromJsonText,
  MillraceError,
  type JsonValue,
  type WatchedEvent,
} from "@millrace/protocol";
import { throwIfAborted, unreachable, waitBefore, type HttpCaller } from "./http-caller.ts";
import { linkSignals } from "./linked-signal.ts";
import { readEnvelope } from "./read-fault.ts";
import { readEvents, type SentEvent } from "./read-events.ts";
import { toFailure } from "./read-run.ts";
import type { WireError, WireRun } from "./wire.ts";

/** The server sends a comment every 15 seconds. */
const SILENCE_MS = 45_000;

export interface WatchRequest {
  readonly run: string;
  /** Sequence of the last event that is known. */
  readonly after: number;
  readonly signal: AbortSignal | undefined;
}

/** Ends with the end of the run, or when the signal is given. */
export async function* watchRun(
  caller: HttpCaller,
  { run, after: first, signal }: WatchRequest,
): AsyncGenerator<WatchedEvent, void> {
  const { pace, retryForMs } = caller;
  const link = caller.link(signal);
  let after = first;
  let tries = 0;
  let goneMs = pace.nowMs();
  try {
    for (;;) {
      const stream = openStream(caller, run, after, link.signal);
      let error: MillraceError | null = null;
      try {
        for await (const event of stream) {
          [tries, goneMs] = [0, pace.nowMs()];
          if (event === "end") return;
          if (event === "sign") continue;
          after = event.sequence ?? after;
          yield event;
          if (isEnd(event)) return;
        }
      } catch (thrown) {
        if (signal?.aborted === true) return;
        throwIfAborted(caller.closed);
        error = MillraceError.is(thrown) ? thrown : unreachable("the server", thrown);
      }
      if (signal?.aborted === true) return;
      tries += 1;
      // A stream that ended without the run's end was ended by a server that stops.
      const failed = error ?? new MillraceError("server.unreachable");
      const isGone = failed.entry.status >= 500;
      const waitMs = waitBefore(
        { error: failed, kind: isGone ? "gone" : "refused", retryAfterMs: null },
        tries,
        true,
        pace,
      );
      if (waitMs === null || pace.nowMs() + waitMs > goneMs + retryForMs) throw failed;
      await pace.sleep(waitMs, link.signal);
    }
  } finally {
    link.dispose();
  }
}

const isEnd = ({ type }: WatchedEvent): boolean =>
  type === "run.completed" || type === "run.failed" || type === "run.cancelled";

/** `sign`: the server is there. `end`: the end has been heard before. */
async function* openStream(
  caller: HttpCaller,
  run: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<WatchedEvent | "sign" | "end", void> {
  const link = linkSignals(signal);
  let timer = setTimeout(() => link.abort(SILENT), SILENCE_MS);
  const onSign = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => link.abort(SILENT), SILENCE_MS);
  };
  try {
    const response = await caller.send(
      {
        method: "GET",
        path: `/api/v1/runs/${encodeURIComponent(run)}/events`,
        headers: {
          accept: "text/event-stream",
          ...(after > 0 ? { "last-event-id": String(after) } : {}),
        },
        isRepeatable: true,
      },
      link.signal,
    );
    if (response.status === 204) {
      yield "end";
      return;
    }
    if (response.status !== 200 || response.body === null) {
      const envelope = readEnvelope(response.status, await response.text());
      throw "data" in envelope ? new MillraceError("server.unreachable") : envelope;
    }
    for await (const sent of readEvents(response.body, onSign)) {
      yield toWatched(sent) ?? "sign";
    }
  } finally {
    clearTimeout(timer);
    link.abort();
    link.dispose();
  }
}

const SILENT = new Error("the server fell silent");

/** null: of no use to whoever follows. */
function toWatched({ type, id, data }: SentEvent): WatchedEvent | null {
  if (type === "run") return null;
  const sequence = /^\d+$/.test(id) ? Number(id) : null;
  const body = fromJsonText(asJsonText(data));
  return { sequence, type, data: toData(type, body) };
}

/** As REST prints it, with our codes in place of the seed's. */
function toData(type: string, body: JsonValue): JsonValue {
  if (typeof body !== "object" || body === null || !("error" in body)) return body;
  // A run, or an event of a step: both have an error of this form.
  const { error, ...rest } = body as unknown as { readonly error: WireError | null } & Fields;
  if (!type.startsWith("run.")) return { ...rest, error: shown(error) };
  const run = body as unknown as WireRun;
  if (run.status === "completed") return { output: run.output };
  return run.status === "failed" ? { failure: shown(run.error) } : {};
}

type Fields = { readonly [key: string]: JsonValue };

const shown = (error: WireError | null): JsonValue => {
  if (error === null) return null;
  const { code, message, source, step, details } = toFailure(error);
  return {
    code,
    message,
    source,
    ...(step === undefined ? {} : { step }),
    ...(details === undefined ? {} : { details }),
  };
};
