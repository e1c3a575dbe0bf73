import {
  ActionError,
  FAILURE_SOURCES,
  fromJsonText,
  MAX_FAILURE_BYTES,
  RetryAfterError,
  TerminalError,
  toJsonText,
  type Failure,
  type JsonValue,
  type FailureSource,
} from "@millrace/protocol";

const LONGEST_MESSAGE = 4_096;
const LONGEST_STACK = 4_096;
const DEEPEST_CAUSE = 5;

/** An attempt that ended badly, as the core wants to hear of it. */
export interface Thrown {
  readonly failure: Failure;
  readonly retryAfterMs: number | null;
  readonly terminal: boolean;
}

/** Whatever was thrown (`undefined`, a string, a cyclic cause, a getter that throws) becomes bounded plain data. */
export function fromThrown(thrown: unknown, step: string, attempt: number): Thrown {
  try {
    const failure = bound({ ...describe(thrown, 0), step, attempt });
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
  return bound({ code, message: cut(message, LONGEST_MESSAGE), source, ...more });
}

const STEP_FAILED = { code: "step.failed", source: "code" } as const;
/** `noun.problem`; whatever else an action calls its failure would be lost among words. */
const CODE = /^[a-z][a-z0-9-]{0,79}(\.[a-z][a-z0-9-]{0,79}){1,3}$/;

/** An action can name what went wrong, and who is to blame; nobody else can. */
function nameOf(thrown: object): Pick<Failure, "code" | "source"> {
  if (!isAction(thrown)) return STEP_FAILED;
  const [code, source] = [read(thrown, "code"), read(thrown, "source")];
  return {
    code: typeof code === "string" && CODE.test(code) ? code : STEP_FAILED.code,
    source: FAILURE_SOURCES.find((one) => one === source) ?? STEP_FAILED.source,
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

function describe(thrown: unknown, depth: number): Failure {
  if (typeof thrown !== "object" || thrown === null) {
    return {
      ...STEP_FAILED,
      message: cut(`The step threw ${print(thrown)}`, LONGEST_MESSAGE),
    };
  }
  const message = read(thrown, "message");
  const name = read(thrown, "name");
  const stack = read(thrown, "stack");
  const cause = read(thrown, "cause");
  const details = toDetails(read(thrown, "details"));
  return {
    ...nameOf(thrown),
    message:
      typeof message === "string" && message !== ""
        ? cut(message, LONGEST_MESSAGE)
        : cut(`The step threw ${print(thrown)}`, LONGEST_MESSAGE),
    ...(typeof name === "string" && name !== "Error" ? { name: cut(name, 255) } : {}),
    ...(typeof stack === "string" ? { stack: cut(stack, LONGEST_STACK) } : {}),
    ...(details === undefined ? {} : { details }),
    ...(cause !== undefined && depth < DEEPEST_CAUSE ? { cause: describe(cause, depth + 1) } : {}),
  };
}

/** Drops what is least missed until the failure fits. */
function bound(failure: Failure): Failure {
  const { details: _, ...slim } = failure;
  const { cause: __, ...short } = slim;
  const { stack: ___, ...bare } = short;
  for (const candidate of [failure, slim, short, bare]) {
    if (Buffer.byteLength(JSON.stringify(candidate)) <= MAX_FAILURE_BYTES) return candidate;
  }
  return { ...bare, message: cut(bare.message, LONGEST_MESSAGE / 4) };
}

/** A user's error may have getters that throw. */
function read(from: unknown, key: string): unknown {
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
