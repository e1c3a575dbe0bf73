// How clients reach the cluster: any node, a timeout, and again until it works.
import type { Checker } from "./checker.ts";
import type { Cluster, Member } from "./cluster.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const TIMEOUT_MS = 20_000;
/** Whoever has asked often asks less often. */
const LONGEST_PAUSE_MS = 5 * 60_000;

export interface CallerOptions {
  readonly world: World;
  readonly cluster: Cluster;
  readonly checker: Checker;
  readonly random: Random;
}

export class Caller {
  readonly #options: CallerOptions;
  /** Calls that nobody has answered yet. */
  open = 0;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** A part of the story that must come to its end before the end is checked. */
  run(part: () => Promise<void>): void {
    this.open += 1;
    part().then(
      () => {
        this.open -= 1;
      },
      (error: unknown) =>
        this.#options.checker.fail(
          `the simulation itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        ),
    );
  }

  async insist<T>(call: (node: Member["node"]) => Promise<T>): Promise<T> {
    const { world, cluster, checker, random } = this.#options;
    for (let longestMs = 2_000; ; longestMs = Math.min(longestMs * 1.5, LONGEST_PAUSE_MS)) {
      const member = cluster.any();
      const answer = member === null ? null : await this.#ask(member, call);
      if (answer !== null) return answer.value;
      const awayMs = Math.max(0, cluster.awayUntil - world.now);
      await world.sleep(awayMs + random.between(50, longestMs), null);
      if (checker.violation !== null) await new Promise(() => undefined);
    }
  }

  #ask<T>(
    { host, node }: Member,
    call: (node: Member["node"]) => Promise<T>,
  ): Promise<{ readonly value: T } | null> {
    const { world } = this.#options;
    return new Promise((resolve) => {
      const cancel = world.after(TIMEOUT_MS, null, () => resolve(null));
      // A process that does not move takes no call either.
      world.after(0, host, () => {
        call(node).then(
          (value) => {
            cancel();
            resolve({ value });
          },
          () => {
            cancel();
            resolve(null);
          },
        );
      });
    });
  }
}
