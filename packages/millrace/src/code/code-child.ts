// One process that executes users' code, seen from the server: its messages, its output, its end.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { HostCommand, HostReport, SessionId } from "@millrace/protocol";
import type { Log } from "../log.ts";
import { createBatcher, type ChildCode, type FromChild, type ToChild } from "./child-messages.ts";
import { StallWatch } from "./stall-watch.ts";

export interface CodeChildOptions {
  /** For people: whose lines in the log these are. */
  readonly name: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Of its heap; null: as Node decides. */
  readonly memoryMib: number | null;
  readonly log: Log;
  readonly onReports: (reports: readonly HostReport[]) => void;
}

const IS_SOURCE = import.meta.url.endsWith(".ts");
const ENTRY = fileURLToPath(
  new URL(IS_SOURCE ? "./child-main.ts" : "./child-main.js", import.meta.url),
);
const FLAGS = [
  ...(IS_SOURCE ? ["--conditions=source"] : []),
  "--disallow-code-generation-from-strings",
];
const PING_EVERY_MS = 500;
/** More of one line is not shown. */
const LONGEST_LINE = 16_384;

export class CodeChild {
  readonly #options: CodeChildOptions;
  readonly #process: ChildProcess;
  readonly #watch = new StallWatch();
  readonly #outgoing = createBatcher<HostCommand>((commands) =>
    this.#send({ type: "commands", commands }),
  );
  readonly #ready = Promise.withResolvers<ChildCode>();
  /** Before that, imports may take as long as they like. */
  #isReady = false;
  /** Why it was killed; null: it was not. */
  #stall: string | null = null;
  #suspects: readonly SessionId[] | undefined;
  /** Resolves with how it ended, when all that it had said was heard. */
  readonly ended: Promise<string>;

  constructor(options: CodeChildOptions) {
    const { files, env, memoryMib } = options;
    this.#options = options;
    const memory = memoryMib === null ? [] : [`--max-old-space-size=${memoryMib}`];
    this.#process = fork(ENTRY, [], {
      env: { ...env },
      execArgv: [...FLAGS, ...memory],
      // A third faster than `advanced` for messages of this size, and texts are all there is in them.
      serialization: "json",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    // Its own messages.
    this.#process.on("message", (message) => this.#hear(message as FromChild));
    this.#logLines();
    this.ended = this.#end();
    this.#ready.promise.catch(() => {});
    this.#send({ type: "load", files });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** When it has ended: who may be why. undefined: whoever was at something. */
  get suspects(): readonly SessionId[] | undefined {
    return this.#suspects;
  }

  /** What it has loaded. @throws {Error} in a sentence: it cannot, or it has ended before */
  get ready(): Promise<ChildCode> {
    return this.#ready.promise;
  }

  obey(commands: readonly HostCommand[]): void {
    const now = performance.now();
    for (const command of commands) this.#watch.sent(command, now);
    this.#outgoing.add(commands);
  }

  /** It may finish what it is at. */
  close(): void {
    this.#outgoing.flush();
    this.#send({ type: "close" });
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async #end(): Promise<string> {
    const pings = setInterval(() => this.#ping(), PING_EVERY_MS);
    pings.unref();
    // What it said last may come after its exit.
    const silent = once(this.#process, "disconnect").catch(() => undefined);
    const how = await new Promise<string>((resolve) => {
      this.#process.once("exit", (code, signal) =>
        resolve(signal === null ? `exit code ${code}` : signal),
      );
      this.#process.once("error", (error) => resolve(error.message));
    });
    if (this.#process.connected) await silent;
    clearInterval(pings);
    const why = this.#stall === null ? how : `${how}: ${this.#stall}`;
    this.#ready.reject(
      new Error(`The process that loads the functions ended with ${why} before it was ready.`),
    );
    return why;
  }

  #ping(): void {
    if (!this.#isReady) return;
    const now = performance.now();
    if (this.#watch.isFree) {
      this.#watch.asked(now);
      this.#send({ type: "ping" });
      return;
    }
    this.#stall ??= this.#watch.findStall(now);
    if (this.#stall !== null) this.kill();
  }

  #hear(message: FromChild): void {
    const { name, log, onReports } = this.#options;
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        this.#ready.resolve(message);
        return;
      case "refused":
        this.#ready.reject(new Error(message.message));
        return;
      case "reports":
        for (const report of message.reports) this.#watch.heard(report);
        onReports(message.reports);
        return;
      case "pong":
        this.#watch.answered();
        return;
      case "blame":
        this.#suspects = message.session === null ? [] : [message.session];
        return;
      case "stray":
        log.warn({ worker: name }, message.message);
        return;
    }
  }

  #logLines(): void {
    const { name, log } = this.#options;
    const { stdout, stderr } = this.#process;
    if (stdout !== null)
      createInterface(stdout).on("line", (line) => log.info({ worker: name }, cut(line)));
    if (stderr !== null)
      createInterface(stderr).on("line", (line) => log.warn({ worker: name }, cut(line)));
  }

  #send(message: ToChild): void {
    // Whatever does not arrive any more, its end tells.
    if (this.#process.connected) this.#process.send(message, () => {});
  }
}

const cut = (line: string): string =>
  line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}…`;
