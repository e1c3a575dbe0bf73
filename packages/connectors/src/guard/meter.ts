import type { Dispatcher } from "undici";

/** What went over the wire, which a body that was unpacked no longer tells. */
export interface Meter {
  /** Whether the request was given to a connection. */
  readonly wasSent: boolean;
  /** Bytes of the body of the answer, packed. */
  readonly wireBytes: number;
  readonly dispatcher: Dispatcher;
}

/**
 * @param onBytes told the bytes of the body so far; what it returns ends the call
 */
export function createMeter(
  dispatcher: Dispatcher,
  onBytes: (wireBytes: number) => Error | null,
): Meter {
  let wasSent = false;
  let wireBytes = 0;
  const watch = (handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler => ({
    onRequestStart: (controller, context) => {
      wasSent = true;
      handler.onRequestStart?.(controller, context);
    },
    onRequestUpgrade: (...it) => handler.onRequestUpgrade?.(...it),
    onResponseStarted: () => handler.onResponseStarted?.(),
    onResponseStart: (...it) => handler.onResponseStart?.(...it),
    onResponseData: (controller, chunk) => {
      wireBytes += chunk.byteLength;
      const problem = onBytes(wireBytes);
      if (problem === null) handler.onResponseData?.(controller, chunk);
      else controller.abort(problem);
    },
    onResponseEnd: (...it) => handler.onResponseEnd?.(...it),
    onResponseError: (...it) => handler.onResponseError?.(...it),
    onBodySent: (chunk) => handler.onBodySent?.(chunk),
    onRequestSent: () => handler.onRequestSent?.(),
  });
  return {
    get wasSent() {
      return wasSent;
    },
    get wireBytes() {
      return wireBytes;
    },
    dispatcher: dispatcher.compose(
      (dispatch) => (options, handler) => dispatch(options, watch(handler)),
    ),
  };
}
