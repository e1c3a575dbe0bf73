// Starts over REST v1: one alone, many of one workflow in one request.
import {
  DEFAULT_LIMITS,
  MillraceError,
  toIso,
  type StartCommand,
  type StartResult,
} from "@millrace/protocol";
import type { HttpCaller } from "./http-caller.ts";
import { newKey } from "./new-key.ts";
import { toFault } from "./read-fault.ts";
import type { WireOutcome, WireStarted } from "./wire.ts";

/** A batch takes longer than a single start, and loses more if it is given up. */
const BATCH_MS = 120_000;
/** 48 MiB at most, in UTF-8: below the 64 MiB that a server takes. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

/** A start, as it is sent, and where its result belongs. */
interface Item {
  readonly place: number;
  readonly text: string;
  /** Its key is ours, and nobody else knows it: the run that it has started is of an earlier try. */
  readonly isMinted: boolean;
}

/** One result an item, in order. Every start has a key, so each request may be repeated. */
export async function startRuns(
  caller: HttpCaller,
  commands: readonly StartCommand[],
): Promise<readonly StartResult[]> {
  const results: StartResult[] = [];
  const put = (items: readonly Item[], found: readonly StartResult[]): void => {
    for (const [i, { place }] of items.entries()) results[place] = found[i] ?? missing();
  };
  const groups = group(commands);
  for (const [n, { workflow, items }] of groups.entries()) {
    try {
      put(items, await startGroup(caller, workflow, items));
    } catch (error) {
      // What has been started must be told, so it becomes the result of the others.
      if (!MillraceError.is(error) || (n === 0 && !concernsItems(error))) throw error;
      put(
        items,
        items.map(() => ({ kind: "rejected", error })),
      );
    }
  }
  return results;
}

/** The workflow, or the items themselves; not the key or the connection. */
const concernsItems = ({ code, entry }: MillraceError): boolean =>
  entry.status < 500 && ![401, 403, 429].includes(entry.status) && code !== "route.not-found";

interface Group {
  readonly workflow: string;
  readonly items: readonly Item[];
}

/** Of one workflow each, none larger than a server takes. */
function group(commands: readonly StartCommand[]): readonly Group[] {
  const open = new Map<string, { items: Item[]; size: number }>();
  const groups: Group[] = [];
  for (const [place, command] of commands.entries()) {
    const { workflow } = command;
    const text = toItemText(command);
    let last = open.get(workflow);
    const isFull =
      last !== undefined &&
      (last.items.length >= DEFAULT_LIMITS.bulkItems || last.size + text.length > MOST_CHARACTERS);
    if (last === undefined || isFull) {
      last = { items: [], size: 0 };
      open.set(workflow, last);
      groups.push({ workflow, items: last.items });
    }
    last.items.push({ place, text, isMinted: isMinted(command) });
    last.size += text.length;
  }
  return groups;
}

/** A repeat that finds the run of a minted key finds its own; one that asked for a name may find another's. */
const isMinted = ({ idempotencyKey, onConflict }: StartCommand): boolean =>
  idempotencyKey === undefined && onConflict !== "existing";

/** The input goes as the text that it is. */
function toItemText(command: StartCommand): string {
  const { workflow: _, input, startAt, ...rest } = command;
  const fields = {
    ...rest,
    idempotencyKey: rest.idempotencyKey ?? newKey(),
    ...(startAt === undefined ? {} : { startAt: toIso(startAt) }),
  };
  return `${JSON.stringify(fields).slice(0, -1)},"input":${input}}`;
}

async function startGroup(
  caller: HttpCaller,
  workflow: string,
  items: readonly Item[],
): Promise<readonly StartResult[]> {
  const path = `/api/v1/workflows/${encodeURIComponent(workflow)}/run`;
  const [first] = items;
  if (first !== undefined && items.length === 1) return [await startOne(caller, path, first)];
  const { data } = await caller.call({
    method: "POST",
    path: `${path}/batch`,
    body: `{"items":[${items.map(({ text }) => text).join(",")}]}`,
    isRepeatable: true,
    timeoutMs: BATCH_MS,
  });
  // As REST v1 prints it.
  const outcomes = data as unknown as readonly WireOutcome[];
  return items.map(({ isMinted }, i) => toResult(outcomes[i], isMinted));
}

async function startOne(caller: HttpCaller, path: string, item: Item): Promise<StartResult> {
  const { status, headers, data } = await caller.call({
    method: "POST",
    path,
    body: item.text,
    isRepeatable: true,
  });
  // As REST v1 prints it.
  const { runId } = data as unknown as WireStarted;
  if (headers.get("idempotency-mismatch") === "true") return toConflict(runId);
  return { kind: status === 201 || item.isMinted ? "created" : "existing", runId };
}

function toResult(outcome: WireOutcome | undefined, isMinted: boolean): StartResult {
  if (outcome === undefined) return missing();
  const { status, runId = "", error } = outcome;
  switch (status) {
    case "created":
      return { kind: "created", runId };
    case "existing":
      return { kind: isMinted ? "created" : "existing", runId };
    case "conflict":
      return toConflict(runId);
    case "rejected":
      return error === undefined ? missing() : { kind: "rejected", error: toFault(error) };
  }
}

function toConflict(runId: string): StartResult {
  const message = `The idempotency key was used with another payload; it started ${runId}`;
  return { kind: "conflict", runId, error: new MillraceError("idempotency.mismatch", message) };
}

const missing = (): StartResult => ({
  kind: "rejected",
  error: new MillraceError("internal.error", "The server gave no outcome for this item"),
});
