// How PostgreSQL finds the rows of each statement that a node sends again and again.
import { openMigratedDatabase } from "../../packages/engine/src/testkit/migrated-database.ts";
import type { Database, Purpose } from "../../packages/engine/src/storage/postgres/database.ts";
import type { Bound, Statement } from "../../packages/engine/src/storage/postgres/statement.ts";
import { FILL } from "./fill.ts";
import { useStore } from "./use-store.ts";

export interface StatementPlan {
  readonly name: string;
  /** Whose connection sends it. */
  readonly purpose: Purpose;
  /** As `explain` prints it. */
  readonly lines: readonly string[];
}

interface Seen {
  readonly statement: Statement;
  readonly purpose: Purpose;
}

/** Those that plan nothing. */
const WITHOUT_PLAN: ReadonlySet<string> = new Set(["begin", "commit", "rollback"]);

/** By a database of its own, which is filled for it. @returns by purpose and name */
export async function collectPlans(): Promise<readonly StatementPlan[]> {
  await using world = await openMigratedDatabase();
  await world.run(FILL);
  const seen = new Map<string, Seen>();
  await useStore(noteStatements(world.database, seen));
  const plans: StatementPlan[] = [];
  for (const [name, { statement, purpose }] of seen) {
    if (WITHOUT_PLAN.has(name)) continue;
    // The plan for any values, which a connection keeps once it has sent the statement some times.
    const rows = await world.run(`explain (generic_plan, costs off) ${statement.text}`);
    plans.push({ name, purpose, lines: rows.map(([line]) => String(line)) });
  }
  const place = ({ purpose, name }: StatementPlan): string => `${purpose} ${name}`;
  return plans.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}

function noteStatements(database: Database, seen: Map<string, Seen>): Database {
  const note = (purpose: Purpose, statements: readonly Bound[]): void => {
    for (const { statement } of statements) {
      if (!seen.has(statement.name)) seen.set(statement.name, { statement, purpose });
    }
  };
  return {
    ...database,
    fly: (purpose, statements) => {
      note(purpose, statements);
      return database.fly(purpose, statements);
    },
    transact: (purpose, body) =>
      database.transact(purpose, (fly) =>
        body((...statements) => {
          note(purpose, statements);
          return fly(...statements);
        }),
      ),
  };
}

const BY_INDEX = / using (\w+) on /;
const BITMAP = /Bitmap Index Scan on (\w+)/;
const WHOLE = /Seq Scan on (\w+)/;

/** The indexes that a plan goes by, and the tables that it reads whole: sorted, each once. */
export function toPaths({ lines }: Pick<StatementPlan, "lines">): readonly string[] {
  const found = lines.flatMap((line) => {
    const index = BY_INDEX.exec(line)?.[1] ?? BITMAP.exec(line)?.[1];
    if (index !== undefined) return [index];
    const table = WHOLE.exec(line)?.[1];
    return table === undefined ? [] : [`all of ${table}`];
  });
  return [...new Set(found)].toSorted();
}
