// Bodies that run here, and results that are not durable yet: what a worker that leaves waits for.
import type { HostCommand, HostReport } from "@millrace/protocol";

export class OpenBodies {
  readonly #open = new Set<string>();
  #waiting: (() => void)[] = [];

  /** A body is over when its settlement is told, or its session closed. */
  hear(command: HostCommand): void {
    switch (command.type) {
      case "attempt":
        this.#open.add(placeOf(command.session, command.key));
        return;
      case "tell":
        this.#open.delete(placeOf(command.session, command.settlement.key));
        break;
      case "close":
        for (const place of this.#open) {
          if (place.startsWith(`${command.session}\n`)) this.#open.delete(place);
        }
        break;
      case "call":
        this.#open.add(command.call);
        return;
      default:
        return;
    }
    this.#look();
  }

  /** An attempt that does not begin here any more: the one before has failed, which is durable. */
  refuse(command: HostCommand): void {
    if (command.type !== "attempt") return;
    this.#open.delete(placeOf(command.session, command.key));
    this.#look();
  }

  /** The owner has them. */
  reported(reports: readonly HostReport[]): void {
    for (const report of reports) if (report.type === "called") this.#open.delete(report.call);
    this.#look();
  }

  /** Nobody waits for any of it. */
  clear(): void {
    this.#open.clear();
    this.#look();
  }

  /** When none is left. */
  ended(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #look(): void {
    if (this.#open.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const placeOf = (session: string, key: string): string => `${session}\n${key}`;
