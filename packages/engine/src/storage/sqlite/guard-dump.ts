import { MillraceError } from "@millrace/protocol";
import { toFault } from "./errors.ts";

/** Moves work on the main thread of a command, not in a thread of a store. @throws {MillraceError} for every fault */
export async function guardDump<T>(role: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (MillraceError.is(error)) throw error;
    const { code, message } = toFault(error, "open", role);
    throw new MillraceError(code, message, { cause: error });
  }
}
