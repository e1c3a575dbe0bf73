import type { Log } from "@millrace/engine";
import { EXIT } from "./exit-codes.ts";

/**
 * While it is watched, a promise that nobody handles is told to the log and the server stays up: it is a mistake in
 * some function, not a broken process. An exception that nobody caught may have left anything behind, so the process
 * ends, and its runs go on at the next start.
 */
export function watchProcess(log: Log, flush: () => void): Disposable {
  const onRejection = (reason: unknown): void => {
    log.warn({ err: toError(reason) }, "a promise was rejected and nobody handled it");
  };
  const onException = (error: unknown): void => {
    log.error({ err: toError(error) }, "an exception was not caught; the process ends");
    flush();
    process.exit(EXIT.failed);
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return {
    [Symbol.dispose]: () => {
      process.off("unhandledRejection", onRejection);
      process.off("uncaughtException", onException);
    },
  };
}

const toError = (value: unknown): Error =>
  value instanceof Error ? value : new Error(`thrown: ${String(value)}`);
