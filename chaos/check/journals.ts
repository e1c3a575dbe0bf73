// K3. A journal holds each step's result once, each failed attempt once, and each message once; of a run that completed it
// holds what its workflow does, and nothing else.
import type { History, StoredEntry, StoredRun } from "../history.ts";
import { shapeOf } from "../workflows.ts";
import { messageOf } from "./message.ts";
import type { Violation } from "./violation.ts";

export function checkJournals({ runs }: History): readonly Violation[] {
  return runs.flatMap((run) =>
    [...findRepeats(run.journal), ...compareShape(run)].map((what) => ({
      rule: "K3",
      what: `run ${run.id} (${run.workflow}): ${what}`,
    })),
  );
}

function findRepeats(journal: readonly StoredEntry[]): readonly string[] {
  const seen = new Set<string>();
  return journal.flatMap((entry) => {
    const name = nameOf(entry);
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [`its journal has ${name} twice`];
  });
}

function nameOf(entry: StoredEntry): string {
  if (entry.kind === "message") return `the message ${messageOf(entry)?.id ?? entry.body}`;
  const attempt = entry.kind === "failure" ? `, attempt ${entry.attempt}` : "";
  return `a ${entry.kind} of ${entry.key}${attempt}`;
}

function compareShape({ workflow, status, journal }: StoredRun): readonly string[] {
  const shape = shapeOf(workflow);
  if (shape === undefined || status !== "completed") return [];
  const results = new Set(journal.flatMap(({ kind, key }) => (kind === "result" ? key : [])));
  const wanted = [...shape.tokens, ...shape.others];
  const missing = wanted.filter((key) => !results.has(key));
  return missing.map((key) => `it completed without a result of ${key}`);
}
