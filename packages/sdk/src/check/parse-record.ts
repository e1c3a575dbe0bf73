// From a line of an export to a record: whatever would make a replay wrong or throw is refused here.
import {
  FAILURE_SOURCES,
  MAX_JSON_DEPTH,
  OPERATION_KINDS,
  parseRunId,
  REPLAY_DETAILS,
  REPLAY_FORMAT,
  type ReplayRecord,
} from "@millrace/protocol";

export type ParsedRecord =
  | { readonly ok: true; readonly record: ReplayRecord }
  | { readonly ok: false; readonly problem: string };

/** @param value JSON, as it was parsed */
export function parseReplayRecord(value: unknown): ParsedRecord {
  if (!isObject(value)) return { ok: false, problem: "It is no object" };
  const { format } = value;
  if (format !== REPLAY_FORMAT) {
    const shown = typeof format === "string" ? JSON.stringify(format.slice(0, 40)) : "missing";
    return { ok: false, problem: `\`format\` is ${shown}; this release reads "${REPLAY_FORMAT}"` };
  }
  const problem = isDeeper(value, MOST_LEVELS)
    ? `It is nested deeper than ${MOST_LEVELS} levels`
    : findProblem(value);
  // Every field was looked at.
  return problem === null
    ? { ok: true, record: value as unknown as ReplayRecord }
    : { ok: false, problem };
}

/** A value of any depth that a run may have, within an entry, or behind a chain of causes. */
const MOST_LEVELS = MAX_JSON_DEPTH + 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

type Fields = Readonly<Record<string, unknown>>;
/** @returns whether a value is so */
type Test = (value: unknown) => boolean;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Test = (value) => typeof value === "string";
const isTextOrNull: Test = (value) => value === null || typeof value === "string";
const isTexts: Test = (value) => isObject(value) && Object.values(value).every(isText);
const isWhole: Test = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isOrdinal: Test = (value) => isWhole(value) && value !== 0;
const isInstant: Test = (value) => typeof value === "string" && !Number.isNaN(Date.parse(value));
const isList: Test = (value) => Array.isArray(value);
const isThere: Test = (value) => value !== undefined;
const isOneOf =
  (values: readonly string[]): Test =>
  (value) =>
    typeof value === "string" && values.includes(value);

const isFailure: Test = (value) =>
  isObject(value) &&
  isText(value["code"]) &&
  isText(value["message"]) &&
  isOneOf(FAILURE_SOURCES)(value["source"]) &&
  (value["cause"] === undefined || isFailure(value["cause"]));

const isOutcome: Test = (value) => {
  if (!isObject(value)) return false;
  if (value["status"] === "completed") return isThere(value["output"]);
  return (
    value["status"] === "cancelled" || (value["status"] === "failed" && isFailure(value["failure"]))
  );
};

const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);

const OPEN: Readonly<Record<string, Test>> = {
  key: isText,
  position: isWhole,
  kind: isOneOf(OPERATION_KINDS),
};
const STOP: Readonly<Record<string, Test>> = {
  sequence: isOrdinal,
  outcome: isOutcome,
  at: isInstant,
};
const SETTLED: Readonly<Record<string, Test>> = { ...OPEN, ...STOP };
const RECORD: Readonly<Record<string, Test>> = {
  detail: isOneOf(REPLAY_DETAILS),
  runId: (value) => typeof value === "string" && parseRunId(value) !== undefined,
  workflow: isText,
  version: isText,
  input: isThere,
  metadata: isTexts,
  workspace: isTextOrNull,
  user: isTextOrNull,
  createdAt: isInstant,
  settled: isList,
  open: isList,
  stop: orNull((value) => isObject(value)),
  end: orNull(isOutcome),
};

function findProblem(value: Fields): string | null {
  const own = findField(value, RECORD, "");
  if (own !== null) return own;
  const { settled, open, stop } = value;
  return (
    findInList(settled, SETTLED, "settled") ??
    findInList(open, OPEN, "open") ??
    (isObject(stop) ? findField(stop, STOP, "stop.") : null) ??
    findDisorder(settled)
  );
}

function findField(
  value: Fields,
  tests: Readonly<Record<string, Test>>,
  place: string,
): string | null {
  for (const [name, test] of Object.entries(tests)) {
    if (!test(value[name])) return `\`${place}${name}\` is missing or not as it should be`;
  }
  return null;
}

function findInList(
  list: unknown,
  tests: Readonly<Record<string, Test>>,
  name: string,
): string | null {
  for (const [at, item] of Array.isArray(list) ? list.entries() : []) {
    const place = `${name}[${at}]`;
    if (!isObject(item)) return `\`${place}\` is no object`;
    const problem = findField(item, tests, `${place}.`);
    if (problem !== null) return problem;
  }
  return null;
}

/** What is told out of order would look like a difference of the code. */
function findDisorder(settled: unknown): string | null {
  let last = 0;
  for (const [at, item] of Array.isArray(settled) ? settled.entries() : []) {
    const sequence = isObject(item) ? Number(item["sequence"]) : 0;
    if (sequence <= last) return `\`settled[${at}]\` is not in the order of the journal`;
    last = sequence;
  }
  return null;
}
