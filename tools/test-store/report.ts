// What the checks found, for people.

/** What Vitest's JSON reporter says, as far as it is read here. */
export interface Report {
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly Result[];
  }[];
}

interface Result {
  /** Of `describe`, outermost first. */
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly failureMessages?: readonly string[] | null;
}

export interface StoreTable {
  readonly text: string;
  /** A row of the table in `docs/operating/databases.md`. */
  readonly line: string;
  readonly failedCount: number;
}

/** @param today as a date */
export function toTable(report: Report, engine: string, today: string): StoreTable {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const groups = Map.groupBy(results, ({ ancestorTitles }) => ancestorTitles.join(", "));
  const lines = [...groups].flatMap(([name, members]) => [
    `${members.every(isPassed) ? "✔" : "✖"} ${name.padEnd(44)} ${count(members)}`,
    ...members
      .filter((it) => !isPassed(it))
      .map(({ title, failureMessages }) => `    ${title}\n      ${toReason(failureMessages)}`),
  ]);
  // A file that could not be loaded has no results.
  const broken = report.testResults.filter(
    ({ message, assertionResults }) => assertionResults.length === 0 && message !== undefined,
  );
  lines.push(...broken.map(({ message }) => `✖ ${message}`));
  const part = (name: string): string => {
    const [member, ...more] =
      [...Map.groupBy(results, toPart)].find(([it]) => it === name)?.[1] ?? [];
    return member === undefined ? "not run" : count([member, ...more]);
  };
  const what = `storage suite: ${part("suite")}; real runs on two nodes: ${part("runs")}`;
  return {
    text: lines.join("\n"),
    line: `| ${engine} | ${what} | ${today} |`,
    failedCount: results.filter((it) => !isPassed(it)).length + broken.length,
  };
}

const toPart = ({ ancestorTitles: [first] }: Result): "suite" | "runs" =>
  first === "storage suite" ? "suite" : "runs";
const isPassed = ({ status }: Result): boolean => status === "passed";
const count = (results: readonly Result[]): string =>
  `${results.filter(isPassed).length} of ${results.length}`;
const toReason = (messages: Result["failureMessages"]): string =>
  messages?.[0]?.split("\n")[0] ?? "it did not run";
