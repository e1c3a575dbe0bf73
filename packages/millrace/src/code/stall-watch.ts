// Decides when a process that does not answer is given up. Code that computes for long answers late and is within its
// rights, as long as nobody waits for it to stop.
import type { HostCommand, HostReport } from "@millrace/protocol";

/** After something there was told to stop. As long as bodies are given to stop everywhere. */
export const STOP_GRACE_MS = 5_000;
/** Where no body runs: between its steps a workflow has nothing to compute. */
export const SILENCE_MS = 10_000;

export class StallWatch {
  /** What runs, by session; calls are under their own names. */
  readonly #bodies = new Map<string, Set<string>>();
  /** When the ping was sent that has no answer yet. */
  #askedAtMs: number | null = null;
  /** When it was first told to stop something, since it last answered. */
  #stoppedAtMs: number | null = null;

  /** True: it has answered, so it can be asked again. */
  get isFree(): boolean {
    return this.#askedAtMs === null;
  }

  asked(nowMs: number): void {
    this.#askedAtMs ??= nowMs;
  }

  answered(): void {
    this.#askedAtMs = null;
    this.#stoppedAtMs = null;
  }

  sent(command: HostCommand, nowMs: number): void {
    switch (command.type) {
      case "attempt":
        this.#begin(command.session, bodyOf(command));
        return;
      case "call":
        this.#begin(CALLS, command.call);
        return;
      case "abort":
        this.#end(command.session, bodyOf(command));
        this.#stoppedAtMs ??= nowMs;
        return;
      case "abort-call":
        this.#end(CALLS, command.call);
        this.#stoppedAtMs ??= nowMs;
        return;
      case "stop":
        this.#stoppedAtMs ??= nowMs;
        return;
      case "close":
        this.#bodies.delete(command.session);
        return;
      case "open":
      case "tell":
        return;
    }
  }

  heard(report: HostReport): void {
    if (report.type === "attempted") this.#end(report.session, bodyOf(report));
    else if (report.type === "called") this.#end(CALLS, report.call);
  }

  /** @returns why it is given up; null: it is not */
  findStall(nowMs: number): string | null {
    const since = this.#askedAtMs;
    if (since === null) return null;
    const stopped = this.#stoppedAtMs;
    if (stopped !== null && nowMs - Math.max(since, stopped) >= STOP_GRACE_MS)
      return "it was told to stop a step and does not answer";
    if (this.#bodies.size === 0 && nowMs - since >= SILENCE_MS)
      return "it runs no step and does not answer";
    return null;
  }

  #begin(session: string, body: string): void {
    const bodies = this.#bodies.get(session);
    if (bodies === undefined) this.#bodies.set(session, new Set([body]));
    else bodies.add(body);
  }

  #end(session: string, body: string): void {
    const bodies = this.#bodies.get(session);
    bodies?.delete(body);
    if (bodies?.size === 0) this.#bodies.delete(session);
  }
}

const CALLS = "";

const bodyOf = ({ key, attempt }: { readonly key: string; readonly attempt: number }): string =>
  `${attempt} ${key}`;
