import { MAX_FAILURE_BYTES, type Failure } from "@millrace/protocol";

const LONGEST_MESSAGE = 1_000;
/** Left for what is added later: the step, the attempt. */
const ROOM_BYTES = 1_024;

const encoder = new TextEncoder();

/**
 * The failure with its cause, no larger than a stored failure may be: a chain of runs that fail through each
 * other would grow with every one of them. What has to go goes in this order: stacks and details, then the
 * causes of the cause, then the end of its message.
 */
export function withCause(failure: Failure, cause: Failure): Failure {
  const outer = { ...failure, message: shorten(failure.message) };
  const bare = toBare(cause);
  const { cause: _deeper, ...alone } = bare;
  for (const kept of [cause, bare, alone]) {
    const whole = { ...outer, cause: kept };
    if (isSmall(whole)) return whole;
  }
  return { ...outer, cause: { ...alone, message: shorten(alone.message) } };
}

function isSmall(failure: Failure): boolean {
  return encoder.encode(JSON.stringify(failure)).length <= MAX_FAILURE_BYTES - ROOM_BYTES;
}

function toBare({ stack: _stack, details: _details, cause, ...rest }: Failure): Failure {
  return cause === undefined ? rest : { ...rest, cause: toBare(cause) };
}

const shorten = (message: string): string =>
  message.length > LONGEST_MESSAGE
    ? `${message.slice(0, LONGEST_MESSAGE).toWellFormed()}…`
    : message;
