import { RATIO_FROM_BYTES, type GuardCaps } from "./caps.ts";
import type { Meter } from "./meter.ts";
import type { Patience } from "./patience.ts";
import { late, tooLarge } from "./to-action-error.ts";

export interface Receiving {
  readonly host: string;
  readonly caps: GuardCaps;
  readonly meter: Meter;
  readonly patience: Patience;
  readonly toError: (error: unknown) => Error;
}

/**
 * The same bytes, as long as they stay within the caps; then an error, and the connection is gone. Asks for a part
 * only when the reader does, so that a slow reader is not taken for a slow sender.
 */
export function receiveBody(
  body: ReadableStream<Uint8Array>,
  receiving: Receiving,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { host, caps, patience } = receiving;
  const parts = body.getReader();
  let size = 0;
  const readPart = async (): Promise<Uint8Array | null> => {
    patience.allow(caps.idleTimeoutMs, () =>
      late(`${host} sent nothing more of its answer for ${caps.idleTimeoutMs} ms`),
    );
    const { done, value } = await parts.read();
    patience.rest();
    patience.signal.throwIfAborted();
    if (done) return null;
    size += value.byteLength;
    checkSize(size, receiving);
    return value;
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        try {
          const part = await readPart();
          if (part !== null) {
            controller.enqueue(new Uint8Array(part));
            return;
          }
          patience[Symbol.dispose]();
          controller.close();
        } catch (error) {
          const failure = receiving.toError(error);
          patience.giveUp(failure);
          patience[Symbol.dispose]();
          controller.error(failure);
        }
      },
      cancel: (reason) => {
        patience.giveUp(reason);
        patience[Symbol.dispose]();
      },
    },
    { highWaterMark: 0 },
  );
}

function checkSize(size: number, { host, caps, meter }: Receiving): void {
  if (size > caps.maxResponseBytes) throw overSize(host, caps);
  if (size > RATIO_FROM_BYTES && size > meter.wireBytes * caps.maxRatio) {
    throw tooLarge(`The answer of ${host} unpacks to more than ${caps.maxRatio} times its size`);
  }
}

export const overSize = (host: string, caps: GuardCaps): Error =>
  tooLarge(`The answer of ${host} has more than ${caps.maxResponseBytes} bytes`);
