// Workers that attach to this node, whichever way they came.
import {
  MillraceError,
  type HostCommand,
  type SessionId,
  type TenantId,
  type WorkerLink,
  type WorkerOffer,
  type WorkerTransport,
} from "@millrace/protocol";
import { AttachedHost } from "./attached-host.ts";
import type { AwaitedCode, AwaitingRuns } from "./awaiting-runs.ts";
import type { Announced, CodeCatalog } from "./code-catalog.ts";
import type { Hosts } from "./hosts.ts";
import type { Log } from "./log.ts";
import type { WorkerFunctions } from "./worker-functions.ts";
import type { Workflows } from "./workflows.ts";

export interface WorkersOptions {
  readonly hosts: Hosts;
  readonly awaiting: AwaitingRuns;
  readonly catalog: CodeCatalog;
  readonly functions: WorkerFunctions;
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
    const { hosts, catalog, functions, workflows, awaiting, refusal, log } = this.#options;
    const refused = refusal();
    if (refused !== null) throw refused;
    checkOffer(offer);
    const announced: { readonly code: AwaitedCode; readonly as: Announced }[] = [];
    for (const one of offer.workflows) {
      const { name, version } = one;
      announced.push({ code: { tenant, name, version }, as: await catalog.announce(tenant, one) });
    }
    await functions.announce(tenant, offer.functions);
    const host = new AttachedHost({
      tenant,
      offer,
      receive,
      onRoom: (it) => {
        hosts.pump(it);
        awaiting.hasRoom(it);
      },
      onReleased: (session) => hosts.forget(session),
    });
    for (const { as } of announced) workflows.offer(tenant, as.id, as.version);
    this.#lost.set(host, onLost);
    hosts.add(host);
    for (const { code, as } of announced) awaiting.offer(code, as, host);
    awaiting.offerFunctions(host);
    log.info({ worker: offer.name, workflows: offer.workflows.length }, "a worker has attached");
    const retire = (): void => {
      this.#retire(host);
      for (const { as } of announced.splice(0)) workflows.withdraw(tenant, as.id, as.version);
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

  /** It takes nothing new. */
  #retire(host: AttachedHost): void {
    const { hosts, awaiting } = this.#options;
    hosts.retire(host);
    for (const { name, version } of host.offer.workflows)
      awaiting.withdraw({ tenant: host.tenant, name, version }, host);
    for (const name of host.offer.functions)
      awaiting.withdraw({ tenant: host.tenant, function: name }, host);
  }

  #leave(host: AttachedHost, reason: string, suspects?: readonly SessionId[]): void {
    if (!this.#lost.delete(host)) return;
    this.#retire(host);
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
