// From whatever was thrown to a stored failure; the same for bodies in the engine and in hosts.
import { ActionError } from "./action.ts";
import { FAILURE_SOURCES, MAX_FAILURE_BYTES, type Failure, type FailureSource } from "./failure.ts";
import { fromJsonText, toJsonText, type JsonValue } from "./json.ts";
import { RetryAfterError, TerminalError } from "./step-errors.ts";

const LONGEST_MESSAGE = 4_096;
const LONGEST_STACK = 4_096;
const DEEPEST_CAUSE = 5;

/** An error that has it carries a failure that was stored before: of a step, or of a child. */
export const CARRIED_FAILURE: unique symbol = Symbol.for("millrace.carried-failure");

/** An attempt that ended badly, as the core wants to hear of it. */
export interface Thrown {
  readonly failure: Failure;
  readonly retryAfterMs: number | null;
  readonly terminal: boolean;
}

/** Whatever was thrown (`undefined`, a string, a cyclic cause, a getter that throws) becomes bounded plain data. */
export function fromThrown(thrown: unknown, step: string, attempt: number): Thrown {
  try {
    const failure = boundFailure({ ...describe(thrown, 0, STEP), step, attempt });
    return {
      failure,
      retryAfterMs: toRetryAfterMs(thrown),
      terminal:
        failure.source === "definition" ||
        TerminalError.is(thrown) ||
        read(thrown, "retryable") === false,
    };
  } catch {
    // A proxy or a `toString` of the author's that throws again when it is looked at.
    const failure = engineFailure("step.failed", "The step threw what cannot be read", "code", {
      step,
      attempt,
    });
    return { failure, retryAfterMs: null, terminal: false };
  }
}

/** What the function of a code run threw. A failure that an error carries is the run's own. */
export function fromThrownByRun(thrown: unknown): Failure {
  try {
    return boundFailure(describe(thrown, 0, RUN));
  } catch {
    // As above.
    return engineFailure(RUN.code, `${RUN.subject} threw what cannot be read`, "code");
  }
}

function toRetryAfterMs(thrown: unknown): number | null {
  const isAsked = RetryAfterError.is(thrown) || ActionError.is(thrown);
  const ms = isAsked ? thrown.retryAfterMs : null;
  return Number.isFinite(ms) ? ms : null;
}

/** A failure that the engine itself finds. */
export function engineFailure(
  code: string,
  message: string,
  source: FailureSource,
  more: Pick<Failure, "step" | "attempt" | "details"> = {},
): Failure {
  return boundFailure({ code, message: cut(message, LONGEST_MESSAGE), source, ...more });
}

/** What failed, in the words of a failure that says nothing of its own. */
interface Thrower {
  readonly code: string;
  readonly subject: string;
}

const STEP: Thrower = { code: "step.failed", subject: "The step" };
const RUN: Thrower = { code: "run.failed", subject: "The function" };
/** `noun.problem`; whatever else an action calls its failure would be lost among words. */
const CODE = /^[a-z][a-z0-9-]{0,79}(\.[a-z][a-z0-9-]{0,79}){1,3}$/;

/** An action can name what went wrong, and who is to blame; nobody else can. */
function nameOf(thrown: object, { code: fallback }: Thrower): Pick<Failure, "code" | "source"> {
  if (!isAction(thrown)) return { code: fallback, source: "code" };
  const [code, source] = [read(thrown, "code"), read(thrown, "source")];
  return {
    code: typeof code === "string" && CODE.test(code) ? code : fallback,
    source: FAILURE_SOURCES.find((one) => one === source) ?? "code",
  };
}

function isAction(thrown: object): boolean {
  try {
    return ActionError.is(thrown);
  } catch {
    // A cause that cannot be looked at must not cost the message of what it caused.
    return false;
  }
}

function describe(thrown: unknown, depth: number, by: Thrower): Failure {
  if (typeof thrown !== "object" || thrown === null) {
    return {
      code: by.code,
      source: "code",
      message: cut(`${by.subject} threw ${print(thrown)}`, LONGEST_MESSAGE),
    };
  }
  const carried = read(thrown, CARRIED_FAILURE);
  // Only our own errors have the brand, and they were given a stored failure.
  if (typeof carried === "object" && carried !== null) return carried as Failure;
  const message = read(thrown, "message");
  const name = read(thrown, "name");
  const stack = read(thrown, "stack");
  const cause = read(thrown, "cause");
  const details = toDetails(read(thrown, "details"));
  return {
    ...nameOf(thrown, by),
    message:
      typeof message === "string" && message !== ""
        ? cut(message, LONGEST_MESSAGE)
        : cut(`${by.subject} threw ${print(thrown)}`, LONGEST_MESSAGE),
    ...(typeof name === "string" && name !== "Error" ? { name: cut(name, 255) } : {}),
    ...(typeof stack === "string" ? { stack: cut(stack, LONGEST_STACK) } : {}),
    ...(details === undefined ? {} : { details }),
    ...(cause !== undefined && depth < DEEPEST_CAUSE
      ? { cause: describe(cause, depth + 1, by) }
      : {}),
  };
}

/** Drops what is least missed until the failure fits. */
export function boundFailure(failure: Failure): Failure {
  const { details: _, ...slim } = failure;
  const { cause: __, ...short } = slim;
  const { stack: ___, ...bare } = short;
  for (const candidate of [failure, slim, short, bare]) {
    if (byteLength(JSON.stringify(candidate)) <= MAX_FAILURE_BYTES) return candidate;
  }
  return { ...bare, message: cut(bare.message, LONGEST_MESSAGE / 4) };
}

const byteLength = (text: string): number => new TextEncoder().encode(text).byteLength;

/** A user's error may have getters that throw. */
function read(from: unknown, key: PropertyKey): unknown {
  if (typeof from !== "object" || from === null) return undefined;
  try {
    return Reflect.get(from, key);
  } catch {
    // What cannot be read is not there.
    return undefined;
  }
}

/** A copy, which its author cannot change any more. */
function toDetails(value: unknown): JsonValue | undefined {
  const json = value === undefined ? undefined : toJsonText(value);
  return json?.ok === true ? fromJsonText(json.text) : undefined;
}

function print(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    const json = toJsonText(value);
    return json.ok ? json.text : "an object";
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function cut(text: string, length: number): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.length <= length
    ? whole
    : `${whole.slice(0, length).toWellFormed()}… (cut, ${whole.length} characters)`;
}
