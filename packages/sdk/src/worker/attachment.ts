// One attachment to an engine: the host of this process, and the link that it speaks through. It ends with the link;
// the next attachment begins with an empty host.
import type {
  HostCommand,
  HostReport,
  MillraceError,
  WorkerLink,
  WorkerOffer,
  WorkerTransport,
} from "@millrace/protocol";
import { OpenBodies } from "./open-bodies.ts";

/** What executes code: `CodeHost`. */
export interface Host {
  /** Sessions that are open. */
  readonly sessions: number;
  handle(commands: readonly HostCommand[]): void;
  close(reason?: string): void;
}

export type CreateHost = (report: (reports: readonly HostReport[]) => void) => Host;

export interface AttachmentOptions {
  readonly transport: WorkerTransport;
  readonly offer: WorkerOffer;
  readonly createHost: CreateHost;
  readonly onLost: (error: MillraceError) => void;
}

export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #host: Host;
  readonly #bodies = new OpenBodies();
  #link: WorkerLink | null = null;
  /** Said before the link was there. */
  #early: HostReport[] = [];
  #isDraining = false;
  #isEnded = false;

  private constructor(options: AttachmentOptions) {
    this.#options = options;
    this.#host = options.createHost((reports) => this.#report(reports));
  }

  /** @throws {MillraceError} what `attach` throws */
  static async open(options: AttachmentOptions): Promise<Attachment> {
    const attachment = new Attachment(options);
    await attachment.#open();
    return attachment;
  }

  get sessions(): number {
    return this.#host.sessions;
  }

  async #open(): Promise<void> {
    const { transport, offer } = this.#options;
    try {
      this.#link = await transport.attach(
        offer,
        (commands) => this.#receive(commands),
        (error) => this.#lose(error),
      );
    } catch (error) {
      this.#end("The worker could not attach");
      throw error;
    }
    this.#report(this.#early.splice(0));
  }

  /**
   * Takes nothing new, lets bodies end until `signal` is given, and hands back whatever is open still.
   *
   * @param patience resolves when bodies had their time
   */
  async leave(patience: Promise<void>): Promise<void> {
    if (this.#isEnded) return;
    this.#isDraining = true;
    // Whatever still comes is refused here; a server that does not hear of it learns it at the end.
    this.#link?.drain().catch(() => undefined);
    await Promise.race([this.#bodies.ended(), patience]);
    await this.#link?.close();
    this.#end("The worker has left");
  }

  #receive(commands: readonly HostCommand[]): void {
    if (this.#isEnded) return;
    const taken = this.#isDraining ? commands.filter((it) => !this.#isRefused(it)) : commands;
    for (const command of taken) this.#bodies.hear(command);
    this.#host.handle(taken);
  }

  /** It begins elsewhere: nobody has done any of it. */
  #isRefused(command: HostCommand): boolean {
    this.#bodies.refuse(command);
    return command.type === "open" || command.type === "attempt" || command.type === "call";
  }

  #report(reports: readonly HostReport[]): void {
    if (this.#isEnded || reports.length === 0) return;
    if (this.#link === null) {
      this.#early.push(...reports);
      return;
    }
    this.#link.report(reports).then(
      () => this.#bodies.reported(reports),
      // The link tells why it ended.
      () => undefined,
    );
  }

  #lose(error: MillraceError): void {
    if (this.#isEnded) return;
    this.#end(error.message);
    this.#options.onLost(error);
  }

  #end(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#host.close(reason);
    this.#bodies.clear();
  }
}
