// `millrace run <workflow> --file inputs.jsonl`: many runs, in bulk requests.
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { askPatiently } from "./ask-patiently.ts";
import type { Client, Detail } from "./client.ts";
import { openInputFile, type InputFileOptions, type InputLine } from "./input-lines.ts";
import { plain, styleOf, type Color, type Io } from "./io.ts";
import { createProgress, formatCount } from "./progress.ts";
import { quote } from "./screen.ts";
import { printJson } from "./speaking-command.ts";
import { waitForRuns, type Ends } from "./wait-for-runs.ts";

export interface RunFileOptions extends InputFileOptions {
  readonly workflow: string;
  readonly isWaiting: boolean;
  readonly isJson: boolean;
}

const OUTCOMES = ["created", "existing", "conflict", "rejected"] as const;
type OutcomeKind = (typeof OUTCOMES)[number];

/** What the API says of one item, in the order of the items. */
interface OutcomeView {
  readonly status: OutcomeKind;
  readonly runId?: string;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details?: readonly Detail[];
  };
}

interface Told extends OutcomeView {
  readonly line: number;
}

/** Below what one request may hold, so that the bar moves and a broken connection leaves little in doubt. */
const CHUNK_ITEMS = 1_000;
const CHUNK_CHARACTERS = 4 * 1024 * 1024;

export async function runFile(client: Client, io: Io, options: RunFileOptions): Promise<ExitCode> {
  const inputs = await openInputFile(options, io);
  const progress = createProgress(io, inputs.count, "sent");
  const told: Told[] = [];
  progress.show(0);
  for await (const chunk of toChunks(inputs.read())) {
    try {
      told.push(...(await send(client, options.workflow, chunk)));
    } catch (error) {
      progress.clear();
      tellBreak(told.length, inputs.count, chunk, options, io);
      throw error;
    }
    progress.show(told.length);
  }
  progress.clear();
  if (!options.isJson) tellOutcomes(told, io);
  const ends = options.isWaiting ? await follow(client, io, told) : null;
  if (options.isJson) printJson(io, { counts: countOutcomes(told), items: told, ends });
  else if (ends !== null) tellEnds(ends, io);
  else tellNext(io);
  return isGood(told, ends) ? EXIT.done : EXIT.failed;
}

async function* toChunks(lines: AsyncIterable<InputLine>): AsyncGenerator<readonly InputLine[]> {
  let chunk: InputLine[] = [];
  let characters = 0;
  for await (const line of lines) {
    if (chunk.length === CHUNK_ITEMS || characters + line.characters > CHUNK_CHARACTERS) {
      if (chunk.length > 0) yield chunk;
      chunk = [];
      characters = 0;
    }
    chunk.push(line);
    characters += line.characters;
  }
  if (chunk.length > 0) yield chunk;
}

async function send(
  client: Client,
  workflow: string,
  chunk: readonly InputLine[],
): Promise<readonly Told[]> {
  const path = `/api/v1/workflows/${encodeURIComponent(workflow)}/run/batch`;
  const items = chunk.map(({ item }) => item);
  const { data } = await askPatiently(() => client.post<readonly OutcomeView[]>(path, { items }));
  return chunk.map(({ line }, at) => {
    const outcome = data[at];
    if (outcome === undefined) throw new Error(`The server said nothing of line ${line}.`);
    return { line, ...outcome };
  });
}

/** What is known after a failure, and how to go on. */
function tellBreak(
  sent: number,
  count: number,
  chunk: readonly InputLine[],
  { file, isKeyed, workflow }: RunFileOptions,
  io: Io,
): void {
  const [first, last] = [chunk[0]?.line ?? 1, chunk.at(-1)?.line ?? 1];
  io.err(`${formatCount(sent)} of ${formatCount(count)} were sent, up to line ${first - 1}.\n`);
  const doubt = `Lines ${first} to ${last} may have been started or not`;
  const rest =
    file === "-" ? `the rest, from line ${first}, to` : `tail -n +${first} ${quote(file)} |`;
  const again = isKeyed
    ? "; their keys make it safe to send all again."
    : `. Look with "npx millrace runs list", then go on with: ${rest} npx millrace run ${quote(workflow)} --file -`;
  io.err(`${plain(doubt + again)}\n`);
}

const countOutcomes = (told: readonly Told[]): Readonly<Record<OutcomeKind, number>> => {
  const counts = { created: 0, existing: 0, conflict: 0, rejected: 0 };
  for (const { status } of told) counts[status] += 1;
  return counts;
};

const COLORS: Readonly<Record<OutcomeKind, Color>> = {
  created: "green",
  existing: "dim",
  conflict: "yellow",
  rejected: "red",
};

const MOST_SHOWN = 10;

function tellOutcomes(told: readonly Told[], io: Io): void {
  const { paint } = styleOf(io);
  const counts = countOutcomes(told);
  const parts = OUTCOMES.filter((kind) => counts[kind] > 0 || kind === "created").map((kind) =>
    paint(COLORS[kind], `${formatCount(counts[kind])} ${kind}`),
  );
  io.out(`${parts.join(", ")}\n`);
  const bad = told.filter(({ status }) => status === "rejected" || status === "conflict");
  for (const one of bad.slice(0, MOST_SHOWN)) io.err(`${plain(describe(one))}\n`);
  if (bad.length > MOST_SHOWN) {
    io.err(`… and ${formatCount(bad.length - MOST_SHOWN)} more; --json lists them all.\n`);
  }
}

function describe({ line, status, error, runId }: Told): string {
  if (status === "conflict")
    return `line ${line}: its key started ${runId ?? "a run"} with another input`;
  const details = (error?.details ?? []).map(
    ({ field, message }) => `${field === "" ? "" : `${field}: `}${message}`,
  );
  return `line ${line}: ${[error?.message ?? status, ...details].join("; ")}`;
}

async function follow(client: Client, io: Io, told: readonly Told[]): Promise<Ends> {
  const ids = new Set(
    told.flatMap(({ status, runId }) =>
      status !== "conflict" && typeof runId === "string" ? [runId] : [],
    ),
  );
  const progress = createProgress(io, ids.size, "ended");
  try {
    return await waitForRuns(client, ids, (count) => progress.show(count));
  } finally {
    progress.clear();
  }
}

function tellEnds(ends: Ends, io: Io): void {
  const { paint } = styleOf(io);
  const { completed, failed, cancelled } = ends.counts;
  const parts = [
    paint("green", `${formatCount(completed)} completed`),
    ...(failed > 0 ? [paint("red", `${formatCount(failed)} failed`)] : []),
    ...(cancelled > 0 ? [paint("yellow", `${formatCount(cancelled)} cancelled`)] : []),
  ];
  io.out(`${parts.join(", ")}\n`);
  for (const id of ends.failedIds.slice(0, MOST_SHOWN)) {
    io.err(`failed: npx millrace runs get ${plain(id)}\n`);
  }
  if (ends.failedIds.length > MOST_SHOWN) {
    io.err(`… and ${formatCount(ends.failedIds.length - MOST_SHOWN)} more: `);
    io.err("npx millrace runs list --status failed\n");
  }
}

const tellNext = (io: Io): void =>
  io.out(styleOf(io).paint("dim", "See how they go: npx millrace runs list\n"));

function isGood(told: readonly Told[], ends: Ends | null): boolean {
  const { rejected, conflict } = countOutcomes(told);
  const isEnded = ends === null || ends.counts.failed + ends.counts.cancelled === 0;
  return rejected === 0 && conflict === 0 && isEnded;
}
