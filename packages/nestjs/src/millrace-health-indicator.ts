import type { MillraceRuntime } from "./millrace-runtime.ts";

/** As Terminus has it. */
export type HealthResult<Key extends string = string> = Record<
  Key,
  { readonly status: "up" | "down"; readonly message?: string }
>;

/** Whether runs can be started and executed. Terminus takes its answer; nothing of Terminus is needed for it. */
export class MillraceHealthIndicator {
  readonly #runtime: MillraceRuntime;

  constructor(runtime: MillraceRuntime) {
    this.#runtime = runtime;
  }

  /**
   * Asks the engine once, for 5 seconds at most. `down`: it does not answer, it does not know the key, or the worker is
   * not attached.
   */
  async isHealthy<Key extends string = "millrace">(key?: Key): Promise<HealthResult<Key>> {
    const message = await this.#runtime.findProblem();
    const result = message === null ? { status: "up" } : { status: "down", message };
    // The default of the type and the default of the value are one.
    return { [key ?? "millrace"]: result } as HealthResult<Key>;
  }
}
