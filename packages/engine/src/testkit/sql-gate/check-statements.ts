// The gate: which statements of a store would not do on a database that is spread over many servers.
import { checkPortable } from "./check-portable.ts";
import { checkQuery, checkSelect, createScope } from "./check-query.ts";
import { toGate, type Gate, type GateOptions } from "./gate-options.ts";
import { createReport, type SqlFinding } from "./sql-finding.ts";
import { parseSql } from "./syntax-tree.ts";

/**
 * Parses the texts with PostgreSQL's own parser.
 *
 * @param texts statements of the hot path, their parameters as `$1`; a text may hold several
 * @returns in the order of the texts; empty: all may be sent to any database
 */
export async function checkStatements(
  texts: readonly string[],
  options: GateOptions = {},
): Promise<readonly SqlFinding[]> {
  const gate = toGate(options);
  const findings: SqlFinding[] = [];
  for (const text of texts) await checkText(text, gate, findings);
  return findings;
}

async function checkText(text: string, gate: Gate, findings: SqlFinding[]): Promise<void> {
  const statements = await parseSql(text);
  if ("problem" in statements) {
    const { problem, location } = statements;
    createReport(text, undefined, findings)("text.unreadable", problem, location);
    return;
  }
  const isHint = gate.hints.has(text.trim());
  for (const { node, location } of statements) {
    const report = createReport(text, location, findings);
    checkPortable(node, { report, isHint });
    let relationCount = 0;
    const nextKey = (): string => String((relationCount += 1));
    checkQuery(node, createScope({ gate, report, nextKey, checkSelect }));
  }
}
