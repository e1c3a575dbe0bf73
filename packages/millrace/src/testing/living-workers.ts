// Workers of a test engine: they outlive its processes, as workers on other machines do, and attach to the next one.
import type {
  ConnectableEngine,
  HostCommand,
  HostReport,
  MillraceError,
  SessionId,
  WorkerLink,
  WorkerOffer,
  WorkerTransport,
} from "@millrace/protocol";
import { askLiving, type LivingEngine } from "./living-transport.ts";

export class LivingWorkers {
  readonly #workers = new Set<LivingWorker>();

  /** The node has taken the place of a dead one. */
  async attachAll(node: ConnectableEngine): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.attachTo(node)));
  }

  connect(world: LivingEngine, namespace?: string): WorkerTransport {
    return {
      attach: async (offer, receive, onLost) => {
        const worker = new LivingWorker({ namespace, offer, receive, onLost });
        this.#workers.add(worker);
        const leave = (): void => void this.#workers.delete(worker);
        try {
          await askLiving(world, ({ node }) => worker.attachTo(node));
        } catch (error) {
          leave();
          throw error;
        }
        return {
          report: (reports) => worker.report(reports),
          drain: () => worker.drain(),
          close: (suspects) => {
            leave();
            return worker.close(suspects);
          },
        };
      },
    };
  }
}

interface LivingWorkerOptions {
  readonly namespace: string | undefined;
  readonly offer: WorkerOffer;
  readonly receive: (commands: readonly HostCommand[]) => void;
  readonly onLost: (error: MillraceError) => void;
}

class LivingWorker {
  readonly #options: LivingWorkerOptions;
  readonly #sessions = new Set<SessionId>();
  readonly #calls = new Set<string>();
  #node: ConnectableEngine | null = null;
  #attaching: Promise<void> = Promise.resolve();
  #link: WorkerLink | null = null;
  /** Said before the link was there. */
  #early: HostReport[] = [];
  #isDraining = false;

  constructor(options: LivingWorkerOptions) {
    this.#options = options;
  }

  /** Safe to call twice. */
  attachTo(node: ConnectableEngine): Promise<void> {
    if (this.#node !== node) {
      this.#node = node;
      this.#attaching = this.#attach(node);
    }
    return this.#attaching;
  }

  async report(reports: readonly HostReport[]): Promise<void> {
    if (this.#link === null) this.#early.push(...reports);
    else await this.#link.report(reports);
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#link?.drain();
  }

  async close(suspects?: readonly SessionId[]): Promise<void> {
    this.#node = null;
    await this.#link?.close(suspects);
  }

  async #attach(node: ConnectableEngine): Promise<void> {
    const { namespace, offer, receive, onLost } = this.#options;
    this.#link = null;
    this.#closeAll();
    this.#early = [];
    const link = await node.connect(namespace).worker.attach(
      offer,
      (commands) => {
        // A dead node's last words come too late.
        if (this.#node !== node) return;
        for (const command of commands) this.#note(command);
        receive(commands);
      },
      onLost,
    );
    if (this.#node !== node) return;
    this.#link = link;
    if (this.#isDraining) await link.drain();
    await link.report(this.#early.splice(0));
  }

  #note(command: HostCommand): void {
    if (command.type === "open") this.#sessions.add(command.session);
    else if (command.type === "close") this.#sessions.delete(command.session);
    else if (command.type === "call") this.#calls.add(command.call);
  }

  /** What a dead node had begun here is void. */
  #closeAll(): void {
    const reason = "The engine has crashed";
    const commands: HostCommand[] = [
      ...Array.from(this.#sessions, (session) => ({ type: "close" as const, session, reason })),
      ...Array.from(this.#calls, (call) => ({ type: "abort-call" as const, call, reason })),
    ];
    this.#sessions.clear();
    this.#calls.clear();
    if (commands.length > 0) this.#options.receive(commands);
  }
}
