// Workers that attach to this node, whichever way they came.
import {
  MillraceError,
  type HostCommand,
  type RunId,
  type SessionId,
  type TenantId,
  type WorkerLink,
  type WorkerOffer,
  type WorkerTransport,
} from "@millrace/protocol";
import type { RunPage, Storage } from "../storage/storage.ts";
import { AttachedHost } from "./attached-host.ts";
import type { Announced, CodeCatalog } from "./code-catalog.ts";
import type { Hosts } from "./hosts.ts";
import type { Log } from "./log.ts";
import type { Workflows } from "./workflows.ts";

/** Runs that are looked at in one read. */
const PAGE = 500;

export interface WorkersOptions {
  readonly storage: Pick<Storage, "read">;
  readonly hosts: Hosts;
  readonly catalog: CodeCatalog;
  readonly workflows: Workflows;
  readonly refusal: () => MillraceError | null;
  readonly log: Log;
}

export class Workers {
  readonly #options: WorkersOptions;
  readonly #lost = new Map<AttachedHost, (error: MillraceError) => void>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  connect(tenant: TenantId): WorkerTransport {
    return {
      attach: (offer, receive, onLost) => this.#attach(tenant, offer, receive, onLost),
    };
  }

  /** The node is stopping: whoever is attached should look for another. */
  detachAll(error: MillraceError): void {
    for (const [host, onLost] of this.#lost) {
      this.#leave(host, error.message);
      onLost(error);
    }
  }

  async #attach(
    tenant: TenantId,
    offer: WorkerOffer,
    receive: (commands: readonly HostCommand[]) => void,
    onLost: (error: MillraceError) => void,
  ): Promise<WorkerLink> {
    const { hosts, catalog, workflows, refusal, log } = this.#options;
    const refused = refusal();
    if (refused !== null) throw refused;
    checkOffer(offer);
    const announced: Announced[] = [];
    for (const one of offer.workflows) announced.push(await catalog.announce(tenant, one));
    const host = new AttachedHost({
      tenant,
      offer,
      receive,
      onRoom: (it) => hosts.pump(it),
      onReleased: (session) => hosts.forget(session),
    });
    for (const { id, version } of announced) workflows.offer(tenant, id, version);
    this.#lost.set(host, onLost);
    hosts.add(host);
    for (const one of announced) void this.#wakeParked(tenant, one);
    log.info({ worker: offer.name, workflows: offer.workflows.length }, "a worker has attached");
    const retire = (): void => {
      hosts.retire(host);
      for (const { id, version } of announced.splice(0)) workflows.withdraw(tenant, id, version);
    };
    return {
      report: async (reports) => {
        host.handle(reports);
      },
      drain: async () => retire(),
      close: async (suspects) => {
        retire();
        this.#leave(host, `Worker ${offer.name} has left`, suspects);
      },
    };
  }

  /** Those that other nodes gave back for want of a worker, or this one before it was started anew. */
  async #wakeParked(tenant: TenantId, { id, version }: Announced): Promise<void> {
    const { storage, hosts, log } = this.#options;
    const filter = { workflow: id, statuses: ["pending", "running"] } as const;
    try {
      for (let before: RunId | null = null; ;) {
        const page: RunPage = await storage.read({
          kind: "runs",
          tenant,
          before,
          limit: PAGE,
          filter,
        });
        const parked = page.runs.filter(
          (run) => run.waitingOn?.kind === "worker" && run.workflowVersion === version,
        );
        hosts.wake(
          tenant,
          parked.map((run) => run.id),
        );
        before = page.next ?? (page.runs.length < PAGE ? null : (page.runs.at(-1)?.id ?? null));
        if (before === null) return;
      }
    } catch (error) {
      // They are looked at again by themselves.
      log.warn({ err: error }, "cannot look for runs that wait for a worker");
    }
  }

  #leave(host: AttachedHost, reason: string, suspects?: readonly SessionId[]): void {
    if (!this.#lost.delete(host)) return;
    this.#options.hosts.retire(host);
    host.lose(reason, suspects);
    this.#options.log.info({ worker: host.offer.name }, "a worker has left");
  }
}

function checkOffer({ slots, workflows }: WorkerOffer): void {
  if (!Number.isSafeInteger(slots) || slots < 1) {
    throw new MillraceError("option.invalid", `slots must be a whole number above 0, not ${slots}`);
  }
  const names = new Set<string>();
  for (const { name, version } of workflows) {
    const place = `${name}\n${version}`;
    if (names.has(place)) {
      const message = `Two workflows are named "${name}" in version "${version}"`;
      throw new MillraceError("workflow.exists", message);
    }
    names.add(place);
  }
}
