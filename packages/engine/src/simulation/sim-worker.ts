// A worker of the simulated cluster, a process of its own: scripts instead of functions, on a way to its node that
// keeps the order; now and then it is killed, paused or cut off.
import {
  DEFAULT_TENANT,
  MillraceError,
  type HostCommand,
  type HostReport,
  type SessionId,
  type WorkerLink,
  type WorkerOffer,
} from "@millrace/protocol";
import type { Checker } from "./checker.ts";
import type { Member } from "./cluster.ts";
import type { Tally } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Script } from "./script.ts";
import { SimSession } from "./sim-session.ts";
import { createHost, type Host, type World } from "./world.ts";

export interface SimWorkerOptions {
  readonly name: string;
  readonly world: World;
  /** A node that it could attach to now. */
  readonly any: () => Member | null;
  readonly checker: Checker;
  readonly tally: Tally;
  readonly random: Random;
  /** By name of the workflow. */
  readonly scripts: ReadonlyMap<string, Script>;
}

/** How often it looks whether its node still answers. */
const PING_MS = 2_000;
/** A worker that says nothing for so long is given up by its node. */
const SILENCE_MS = 10_000;
const ATTACH_TIMEOUT_MS = 10_000;

interface Attachment {
  readonly member: Member;
  readonly link: WorkerLink;
  readonly sessions: Map<SessionId, SimSession>;
}

export class SimWorker {
  host: Host;
  readonly #options: SimWorkerOptions;
  #attached: Attachment | null = null;

  constructor(options: SimWorkerOptions) {
    this.#options = options;
    this.host = createHost(options.name);
  }

  start(): void {
    void this.#live(this.host);
  }

  /** At this moment; after a while another process takes its place. */
  kill(afterMs: number): void {
    const { world, tally } = this.#options;
    if (!this.host.alive) return;
    tally.note("worker-killed");
    world.say(`${this.host.name} is killed`);
    this.host.alive = false;
    // Its connection breaks, which its node sees.
    this.#cut(this.#attached);
    world.after(afterMs, null, () => {
      this.host = createHost(this.#options.name);
      this.start();
    });
  }

  /** It stands still; a node that hears nothing of it for long gives it up. */
  pause(forMs: number): void {
    const { world, tally } = this.#options;
    if (!this.host.alive || this.host.frozenUntil > world.now) return;
    tally.note("worker-paused");
    world.say(`${this.host.name} freezes for ${forMs} ms`);
    this.host.frozenUntil = world.now + forMs;
    const attached = this.#attached;
    if (forMs > SILENCE_MS) world.after(SILENCE_MS, null, () => this.#cut(attached));
  }

  /** Node and worker live, and each sees the connection break. */
  cut(): void {
    if (this.#attached === null) return;
    this.#options.tally.note("worker-cut-off");
    this.#cut(this.#attached);
  }

  #cut(attached: Attachment | null): void {
    if (attached === null) return;
    const { member, link } = attached;
    // The node's end, as soon as it moves; a dead one has none.
    this.#options.world.after(0, member.host, () => void link.close());
    this.#lose(attached);
  }

  #lose(attached: Attachment): void {
    attached.sessions.clear();
    if (this.#attached === attached) this.#attached = null;
  }

  /** Attaches, stays until that is over, and attaches again. */
  async #live(host: Host): Promise<void> {
    const { world, random, any } = this.#options;
    while (host.alive) {
      const member = any();
      const attached = member === null ? null : await this.#attach(host, member);
      // Its answer came for a process that is gone; another may have taken its place.
      if (!host.alive) return;
      if (attached === null) {
        await world.sleep(random.between(50, 5_000), host);
        continue;
      }
      this.#attached = attached;
      while (this.#attached === attached && attached.member.host.alive)
        await world.sleep(PING_MS, host);
      this.#lose(attached);
    }
  }

  async #attach(host: Host, member: Member): Promise<Attachment | null> {
    const { world, random } = this.#options;
    const sessions = new Map<SessionId, SimSession>();
    const state: { link: WorkerLink | null; isOver: boolean } = { link: null, isOver: false };
    const down = createChannel(world, host, random);
    const up = createChannel(world, member.host, random);
    const report = (reports: readonly HostReport[]): void => {
      for (const one of reports) up(() => void state.link?.report([one]));
    };
    const receive = (commands: readonly HostCommand[]): void => {
      for (const one of commands) {
        down(() => {
          if (!state.isOver) this.#handle(one, { host, sessions, report });
        });
      }
    };
    const lost = (): void => {
      state.isOver = true;
      sessions.clear();
      if (this.#attached?.sessions === sessions) this.#attached = null;
    };
    const link = await this.#within(host, member, () =>
      member.node.connect(DEFAULT_TENANT).worker.attach(this.#offer(), receive, lost),
    );
    state.link = link;
    return link === null || state.isOver ? null : { member, link, sessions };
  }

  /** null: the node refused, or did not answer. */
  #within(
    host: Host,
    member: Member,
    attach: () => Promise<WorkerLink>,
  ): Promise<WorkerLink | null> {
    const { world } = this.#options;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const cancel = world.after(ATTACH_TIMEOUT_MS, host, () => {
        isLate = true;
        resolve(null);
      });
      world.after(0, member.host, () => {
        attach().then(
          (link) => {
            cancel();
            if (isLate || !host.alive) void link.close();
            resolve(isLate ? null : link);
          },
          (error: unknown) => {
            cancel();
            if (MillraceError.is(error)) resolve(null);
            else reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
    });
  }

  #offer(): WorkerOffer {
    const { name, random, scripts } = this.#options;
    const workflows = Array.from(scripts.keys(), (workflow) => ({
      name: workflow,
      version: "1",
      inputSchema: null,
      outputSchema: null,
      timeoutMs: null,
    }));
    return { name, workflows, functions: [], slots: random.between(1, 6), labels: {} };
  }

  #handle(
    command: HostCommand,
    {
      host,
      sessions,
      report,
    }: {
      readonly host: Host;
      readonly sessions: Map<SessionId, SimSession>;
      readonly report: (reports: readonly HostReport[]) => void;
    },
  ): void {
    switch (command.type) {
      case "open": {
        const script = this.#options.scripts.get(command.task.workflow);
        if (script === undefined) return;
        const { session, task } = command;
        const say = (...reports: HostReport[]): void => {
          if (sessions.has(session)) report(reports);
        };
        const options = { ...this.#options, host, die: () => this.#die() };
        sessions.set(session, new SimSession(session, task, script, say, options));
        return;
      }
      case "tell":
        sessions.get(command.session)?.tell(command.settlement);
        return;
      case "stop":
        sessions.get(command.session)?.stop(command.notice);
        return;
      case "attempt":
        sessions.get(command.session)?.attempt(command.key, command.attempt);
        return;
      case "close":
        sessions.delete(command.session);
        return;
      case "abort":
      case "abort-call":
      case "call":
        return;
    }
  }

  #die(): void {
    this.#options.tally.note("run-killed-its-process");
    this.kill(this.#options.random.between(100, 8_000));
  }
}

/** A way that takes its time and keeps the order. */
function createChannel(world: World, to: Host, random: Random): (arrive: () => void) => void {
  const queue: (() => void)[] = [];
  return (arrive) => {
    queue.push(arrive);
    world.after(random.fraction() * 5, to, () => queue.shift()?.());
  };
}
