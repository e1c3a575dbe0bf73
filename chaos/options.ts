import { parseArgs } from "node:util";
import { POSTGRES_PROFILES, type PostgresProfile } from "@millrace/engine/postgres";

export interface Options {
  readonly seed: number;
  readonly minutes: number;
  /** Of the nodes; null: what the server is. */
  readonly profile: PostgresProfile | null;
  /** File for the report; null: none but what is printed. */
  readonly report: string | null;
  readonly isSoak: boolean;
  /** Of what clients do. Soak: null means half of what the machine gives. */
  readonly perSecond: number | null;
}

export const USAGE = `npm run chaos -- [options]
  --minutes n     how long load and faults last; 2
  --seed n        of everything that is left to chance; 1
  --rate n        things that clients do in a second; 20, for a soak half of what the machine gives
  --profile name  of the nodes: ${POSTGRES_PROFILES.join(", ")}; what the server is, PostgreSQL
  --report file   Markdown
  --soak          no faults: whether memory and the database stay flat`;

/** @throws {Error} with a sentence for whoever typed it */
export function readOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string", default: "1" },
      rate: { type: "string" },
      profile: { type: "string" },
      report: { type: "string" },
      soak: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  return {
    seed: readNumber("seed", values.seed),
    minutes: readNumber("minutes", values.minutes),
    profile: readProfile(values.profile),
    report: values.report ?? null,
    isSoak: values.soak,
    perSecond: values.rate === undefined ? null : readNumber("rate", values.rate),
  };
}

function readProfile(text: string | undefined): PostgresProfile | null {
  if (text === undefined) return null;
  const profile = POSTGRES_PROFILES.find((it) => it === text);
  if (profile !== undefined) return profile;
  throw new Error(`--profile needs one of ${POSTGRES_PROFILES.join(", ")}, and not "${text}".`);
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} needs a number above 0, and not "${text}".`);
}
