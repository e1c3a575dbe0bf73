import { CRASH_MOMENTS, type CrashMoment, type StoredAttempt } from "@millrace/engine/testing";
import { MillraceError } from "@millrace/protocol";

/** A moment at which the engine's process ends, once. */
export interface Crash {
  /** Key of the step: its name, `name#2` for the second of that name. */
  readonly step: string;
  /**
   * `before-commit`: its body has ended, and nothing of that is stored, so it runs again. `after-commit`: its end is stored,
   * and nobody was told.
   */
  readonly at: CrashMoment;
  /** Default: whichever ends first. */
  readonly attempt?: number;
}

export class CrashPlan {
  readonly #planned: Crash[] = [];
  readonly #happened: Crash[] = [];
  readonly #stored = new Map<string, StoredAttempt>();

  constructor(crashes: readonly Crash[]) {
    for (const crash of crashes) this.add(crash);
  }

  /** In the order in which they came. */
  get happened(): readonly Crash[] {
    return [...this.#happened];
  }

  /** Attempts that have ended, each step and number once. */
  get stored(): readonly StoredAttempt[] {
    return [...this.#stored.values()];
  }

  /** @throws {MillraceError} option.invalid */
  add(crash: Crash): void {
    if (!CRASH_MOMENTS.includes(crash.at)) {
      const message = `\`at\` of a crash must be one of ${CRASH_MOMENTS.join(", ")}, is ${crash.at}`;
      throw new MillraceError("option.invalid", message);
    }
    const { step }: { readonly step: unknown } = crash;
    if (typeof step !== "string" || step === "") {
      const message = "A crash must name the key of a `step`; engine.crash() is one at this moment";
      throw new MillraceError("option.invalid", message);
    }
    this.#planned.push(crash);
  }

  mayDie(moment: CrashMoment, attempts: readonly StoredAttempt[]): boolean {
    const steps = attempts.filter(isStep);
    for (const one of steps) this.#stored.set(`${one.step}#${one.attempt}`, one);
    const place = this.#planned.findIndex(
      ({ step, at, attempt }) =>
        at === moment &&
        steps.some((it) => it.step === step && (attempt === undefined || it.attempt === attempt)),
    );
    const [crash] = place < 0 ? [] : this.#planned.splice(place, 1);
    if (crash === undefined) return false;
    this.#happened.push(crash);
    return true;
  }
}

/** Notes of code workflows, as lines of its log, are journaled too. */
const isStep = ({ step }: StoredAttempt): boolean => !step.startsWith("$");
