// This process' end of the channel to a supervisor, which is the parent of a PostgreSQL server.
import { fork, type ChildProcess } from "node:child_process";
import type { Command, Folders, Report, SupervisorOptions } from "./supervisor.ts";

interface Waiting {
  readonly resolve: (pid: number) => void;
  readonly reject: (error: Error) => void;
}

/** A supervisor and its folders; they are gone when it is closed, or when this process is. */
export class Supervised {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #opened = Promise.withResolvers<Folders>();
  readonly #exited = Promise.withResolvers<void>();
  #lastId = 0;
  #isGone = false;

  private constructor(options: SupervisorOptions) {
    this.#child = fork(new URL("./supervisor.ts", import.meta.url), [JSON.stringify(options)], {
      execArgv: ["--conditions=source"],
      // Neither Ctrl-C nor whoever kills the tests by their process group may reach it.
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    // Only the supervisor writes to this channel.
    this.#child.on("message", (report: Report) => this.#receive(report));
    this.#child.on("error", (error) => this.#die(error));
    this.#child.on("exit", () => {
      this.#die(new Error("PostgreSQL's supervisor is gone."));
      this.#exited.resolve();
    });
  }

  static async open(options: SupervisorOptions): Promise<Supervised> {
    const supervised = new Supervised(options);
    await supervised.folders;
    supervised.#hold(false);
    return supervised;
  }

  get folders(): Promise<Folders> {
    return this.#opened.promise;
  }

  /** @returns pid of the postmaster; 0: it does not run */
  async call(command: Command): Promise<number> {
    if (this.#isGone) throw new Error("This PostgreSQL server has been disposed of.");
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, { resolve, reject });
    this.#hold(true);
    this.#child.send({ id: this.#lastId, command });
    return promise;
  }

  /** Stops the server, removes its folders. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    await this.call({ kind: "close" });
    this.#hold(true);
    this.#child.disconnect();
    await this.#exited.promise;
  }

  #receive(report: Report): void {
    if (report.kind === "opened") return this.#opened.resolve(report.folders);
    const waiting = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (this.#waiting.size === 0) this.#hold(false);
    if (report.fault === undefined) return waiting?.resolve(report.pid);
    return waiting?.reject(new Error(`PostgreSQL: ${report.fault}`));
  }

  #die(error: Error): void {
    this.#isGone = true;
    this.#opened.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** A server alone does not keep this process alive; an answer that is due does. */
  #hold(isHeld: boolean): void {
    if (isHeld) {
      this.#child.ref();
      this.#child.channel?.ref();
    } else {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }
}
