// Takes the text of every statement that a store sends in its tests, and hands them to the gate.
import { checkStatements } from "./check-statements.ts";
import type { GateOptions } from "./gate-options.ts";
import { tellFinding } from "./sql-finding.ts";

/** A store has more statements than this: below it, the recorder was not where the statements went. */
const LEAST_STATEMENT_COUNT = 20;

export interface RecordedStatements {
  add(text: string): void;
  /** Each once, in the order in which they came first. */
  readonly texts: readonly string[];
}

export function recordStatements(): RecordedStatements {
  const seen = new Set<string>();
  return {
    add: (text) => {
      seen.add(text);
    },
    get texts() {
      return [...seen];
    },
  };
}

/**
 * @throws {Error} fewer than twenty different statements were seen, or one of them may not be sent to this database;
 *   the message tells of each
 */
export async function expectGate(texts: readonly string[], options: GateOptions): Promise<void> {
  const { size } = new Set(texts);
  if (size < LEAST_STATEMENT_COUNT) {
    throw new Error(`the gate saw ${size} statements, and not ${LEAST_STATEMENT_COUNT}`);
  }
  const findings = await checkStatements(texts, options);
  if (findings.length === 0) return;
  throw new Error(
    `${findings.length} findings in ${size} statements:\n${findings.map(tellFinding).join("\n\n")}`,
  );
}
