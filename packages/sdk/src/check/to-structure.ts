// A record without what only its customers may know. What the code itself says stays: names of steps, workflows, fields
// and classes, codes, whole numbers below 1,000, `true`, `false`, `null`, times of entries, lengths of lists.
//
//   S1. Equal texts and numbers get equal stand-ins, as far as one digest goes; different ones get different ones.
//   S2. A stand-in has the form of what it stands for, where schemas ask for it: an instant, an address, a UUID …
//   S3. A text that stands in the key of a step has its stand-in there, too, so that the code makes the same key again.
import type { Failure, JsonValue, ReplayOutcome, ReplayRecord } from "@millrace/protocol";

/** At least 32 hexadecimal digits; with a secret, or short texts could be guessed. */
export type Digest = (text: string) => string;

export function toStructure(record: ReplayRecord, digest: Digest): ReplayRecord {
  const hiding = new Hiding(digest);
  // S3: the first pass only learns the texts.
  hide(record, hiding);
  hiding.knowsAll();
  return hide(record, hiding);
}

function hide(record: ReplayRecord, hiding: Hiding): ReplayRecord {
  const { format, runId, workflow, version, createdAt } = record;
  const { input, metadata, workspace, user, settled, open, stop, end } = record;
  // Field by field: what a later server adds is nobody's stand-in.
  return {
    format,
    detail: "structure",
    runId,
    workflow,
    version,
    createdAt,
    input: hiding.value(input),
    metadata: hiding.texts(metadata),
    workspace: workspace === null ? null : hiding.text(workspace),
    user: user === null ? null : hiding.text(user),
    settled: settled.map(({ sequence, key, position, kind, outcome, at }) => ({
      sequence,
      key: hiding.key(key),
      position,
      kind,
      outcome: hiding.outcome(outcome),
      at,
    })),
    open: open.map(({ key, position, kind }) => ({ key: hiding.key(key), position, kind })),
    stop:
      stop === null
        ? null
        : { sequence: stop.sequence, outcome: hiding.outcome(stop.outcome), at: stop.at },
    end: end === null ? null : hiding.outcome(end),
  };
}

/** What a key of code is made of; such a word is no secret wherever it stands. */
const WORD = /^[a-z]+(?:[-_][a-z]+)*$/;
/** Of an object's field: anything else may be data (an object by address). */
const FIELD = /^[A-Za-z_$][\w$.-]{0,63}$/;
const CODE = /^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+$/;
const CLASS = /^[A-Z][A-Za-z]*(?:Error|Exception)$/;
/** Shorter ones are parts of everything. */
const SHORTEST_IN_KEY = 3;
const LONGEST_KEY = 255;
const LEAST_HIDDEN_NUMBER = 1_000;

class Hiding {
  readonly #digest: Digest;
  /** Those that may stand in keys, with their stand-ins. */
  readonly #known = new Map<string, string>();
  /** Nothing, until all are known. */
  #inKeys = NOTHING;

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  value(value: JsonValue): JsonValue {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") return this.number(value);
    if (typeof value !== "object" || value === null) return value;
    if (isList(value)) return value.map((item) => this.value(item));
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [this.#field(name), this.value(item)]),
    );
  }

  texts(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [this.#field(name), this.text(text)]),
    );
  }

  text(text: string): string {
    if (text === "") return text;
    // As a number and as a text it makes the same key.
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= LEAST_HIDDEN_NUMBER && String(number) === text)
      return String(this.number(number));
    const standIn = toStandIn(text, this.#digest(`text ${text}`));
    if (!WORD.test(text) && text.length <= LONGEST_KEY) this.#known.set(text, standIn);
    return standIn;
  }

  number(number: number): number {
    if (Number.isInteger(number) && Math.abs(number) < LEAST_HIDDEN_NUMBER) return number;
    const size = LEAST_HIDDEN_NUMBER + digitsOf(this.#digest(`number ${number}`), 0, 12);
    const hidden = Math.sign(number) * (Number.isInteger(number) ? size : size + 0.5);
    this.#known.set(String(number), String(hidden));
    return hidden;
  }

  outcome(outcome: ReplayOutcome): ReplayOutcome {
    if (outcome.status === "completed")
      return { status: "completed", output: this.value(outcome.output) };
    if (outcome.status === "failed")
      return { status: "failed", failure: this.#failure(outcome.failure) };
    return { status: "cancelled" };
  }

  knowsAll(): void {
    this.#inKeys = toPattern([...this.#known.keys()]);
  }

  /** S3. */
  key(key: string): string {
    return key.replaceAll(this.#inKeys, (text) => this.#known.get(text) ?? text);
  }

  #field(name: string): string {
    return FIELD.test(name) ? name : this.text(name);
  }

  #failure(failure: Failure): Failure {
    const { code, message, source, step, attempt, name, details, cause } = failure;
    return {
      code: CODE.test(code) ? code : this.text(code),
      message: this.text(message),
      source,
      ...(step === undefined ? {} : { step: this.key(step) }),
      ...(attempt === undefined ? {} : { attempt }),
      ...(name === undefined ? {} : { name: CLASS.test(name) ? name : this.text(name) }),
      ...(details === undefined ? {} : { details: this.value(details) }),
      ...(cause === undefined ? {} : { cause: this.#failure(cause) }),
    };
  }
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

const NOTHING = /(?!)/g;

/** The longest first. */
function toPattern(texts: readonly string[]): RegExp {
  const parts = texts
    .filter((text) => text.length >= SHORTEST_IN_KEY)
    .toSorted((a, b) => b.length - a.length)
    .map((text) => {
      const quoted = text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
      // A number within another is another one.
      return /^-?[\d.e+]+$/.test(text) ? String.raw`(?<!\d)${quoted}(?!\d)` : quoted;
    });
  return parts.length === 0 ? NOTHING : new RegExp(parts.join("|"), "g");
}

/** S2: the first that fits. */
const FORMS: readonly (readonly [form: RegExp, make: (digest: string) => string])[] = [
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/, toInstant],
  [/^\d{4}-\d\d-\d\d$/, (digest) => toInstant(digest).slice(0, 10)],
  [/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, toUuid],
  [/^[^\s@]+@[^\s@]+\.[^\s@]+$/, (digest) => `t${digest.slice(0, 12)}@example.com`],
  [/^https?:\/\/\S+$/, (digest) => `https://example.com/t${digest.slice(0, 12)}`],
  [/^\d+$/, (digest) => String(1e14 + digitsOf(digest, 0, 11))],
];

function toStandIn(text: string, digest: string): string {
  const form = FORMS.find(([pattern]) => pattern.test(text));
  return form === undefined ? `t${digest.slice(0, 12)}` : form[1](digest);
}

const digitsOf = (digest: string, from: number, count: number): number =>
  Number.parseInt(digest.slice(from, from + count), 16);

/** Some time in the 35 years from 2000 on, to the millisecond. */
function toInstant(digest: string): string {
  const first = Date.UTC(2000, 0, 1);
  return new Date(first + digitsOf(digest, 0, 10)).toISOString();
}

function toUuid(digest: string): string {
  const [a, b, c, d, e] = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    digest.slice(13, 16),
    digest.slice(17, 20),
    digest.slice(20, 32),
  ];
  return `${a}-${b}-4${c}-8${d}-${e}`;
}
