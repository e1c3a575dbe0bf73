// Reads what `strace -f -y` wrote, and proves from it that answers waited for the disk.
//
// A line is written when a call begins, and another when it ends if something else was traced in between. So the
// order of lines is the order in which calls began and ended, over all threads, and no clock is asked.

export interface Call {
  readonly name: string;
  /** What strace prints of its arguments, buffers included. */
  readonly args: string;
  /** null: it had no end, or none that is a number. */
  readonly result: number | null;
  /** Line at which it began. */
  readonly begin: number;
  /** Line at which it ended; a call without an end: `Infinity`. */
  readonly end: number;
}

const LINE = /^(\d+) +(?:[\d:.]+ +)?(.*)$/;
const BEGINNING = /^(\w+)\((.*) <unfinished \.\.\.>$/;
const END = /^<\.\.\. (\w+) resumed>(.*)$/;
const WHOLE = /^(\w+)\((.*)$/;
const RESULT = /^(.*)\) += (-?\d+|\?)[^"]*$/;

export function parseTrace(text: string): readonly Call[] {
  const calls: Call[] = [];
  const open = new Map<string, { name: string; args: string; begin: number }>();
  for (const [at, line] of text.split("\n").entries()) {
    const [, thread = "", what = ""] = LINE.exec(line) ?? [];
    const [, started, head = ""] = BEGINNING.exec(what) ?? [];
    if (started !== undefined) {
      open.set(thread, { name: started, args: head, begin: at });
      continue;
    }
    const [, resumed, tail = ""] = END.exec(what) ?? [];
    const begun = resumed === undefined ? undefined : open.get(thread);
    if (begun !== undefined) {
      open.delete(thread);
      calls.push({ ...begun, ...toEnd(`${begun.args}${tail}`), end: at });
      continue;
    }
    const [, name, rest = ""] = WHOLE.exec(what) ?? [];
    if (name !== undefined) calls.push({ name, ...toEnd(rest), begin: at, end: at });
  }
  for (const begun of open.values()) calls.push({ ...begun, result: null, end: Infinity });
  return calls.toSorted((a, b) => a.begin - b.begin);
}

function toEnd(text: string): Pick<Call, "args" | "result"> {
  const [, args, result] = RESULT.exec(text) ?? [];
  if (args === undefined) return { args: text, result: null };
  return { args, result: result === "?" ? null : Number(result) };
}

export interface Proof {
  /** Run id of the accepted start; null: something else was created. */
  readonly runId: string | null;
  /** What is missing; null: the proof is complete. */
  readonly gap: string | null;
}

const READS = new Set(["read", "readv", "recvfrom", "recvmsg"]);
const WRITES = new Set(["write", "writev", "sendto", "sendmsg"]);
const FILE_WRITES = new Set(["pwrite64", "pwritev", "write", "writev"]);
const SYNCS = new Set(["fsync", "fdatasync"]);

/**
 * For each `201` that was written: a sync of the write-ahead log began after the request had been read, and after the
 * run's row had been written to the log, and ended well before the answer's first byte.
 *
 * @param log how the write-ahead log's path ends
 */
export function proveAnswers(calls: readonly Call[], log: string): readonly Proof[] {
  const isOfLog = ({ args }: Call): boolean => descriptorOf(args).endsWith(`${log}>`);
  const syncs = calls.filter((call) => SYNCS.has(call.name) && isOfLog(call) && call.result === 0);
  const frames = calls.filter((call) => FILE_WRITES.has(call.name) && isOfLog(call));
  return calls
    .filter(({ name, args }) => WRITES.has(name) && args.includes('"HTTP/1.1 201'))
    .map((answer) => {
      const [runId = null] = /run_[0-9A-Z]{26}/.exec(answer.args) ?? [];
      const request = findRequest(calls, answer);
      if (request === undefined) return { runId, gap: "no request was read before the answer" };
      const between = syncs.filter((sync) => sync.begin > request.end && sync.end < answer.begin);
      if (between.length === 0) return { runId, gap: "no sync between request and answer" };
      if (runId === null) return { runId, gap: null };
      const rows = frames.filter(
        (frame) => frame.begin > request.end && frame.args.includes(runId),
      );
      const isProven = rows.some((row) => between.some((sync) => sync.begin > row.end));
      return { runId, gap: isProven ? null : "no sync between the run's row and the answer" };
    });
}

/** The last bytes that came on the answer's connection. */
function findRequest(calls: readonly Call[], answer: Call): Call | undefined {
  const connection = descriptorOf(answer.args);
  return calls.findLast(
    ({ name, args, result, end }) =>
      READS.has(name) &&
      end < answer.begin &&
      result !== null &&
      result > 0 &&
      descriptorOf(args) === connection,
  );
}

/** `21<socket:[4711]>` or `19</data/millrace.db-wal>`: with its inode or path, so that a reused number is another. */
const descriptorOf = (args: string): string => /^\d+<[^>]*>/.exec(args)?.[0] ?? "";
