// Who executes code here: the workers that are attached to this node, and the sessions that they hold.
//
//   O1. A run goes only to a worker of its tenant that offers its workflow in its version.
//   O2. A worker holds as many sessions as it has slots; others wait in the order in which they came.
//   O3. A worker that is gone loses its sessions; their runs are given back, and go to others.
import type { CodeVersion, RunId, TenantId, WorkerOffer } from "@millrace/protocol";
import type { AttachedHost } from "./attached-host.ts";
import type { CodeSession } from "./code-session.ts";

export class Hosts {
  readonly #hosts = new Map<string, Set<AttachedHost>>();
  readonly #functions = new Map<string, Set<AttachedHost>>();
  /** O2, by place. */
  readonly #queued = new Map<string, Set<CodeSession>>();
  readonly #sessions = new Map<RunId, CodeSession>();

  add(host: AttachedHost): void {
    for (const place of placesOf(host.tenant, host.offer)) addTo(this.#hosts, place, host);
    for (const name of host.offer.functions) addTo(this.#functions, `${host.tenant}/${name}`, host);
    this.pump(host);
  }

  /** It takes nothing new. */
  retire(host: AttachedHost): void {
    for (const place of placesOf(host.tenant, host.offer)) {
      removeFrom(this.#hosts, place, host);
      if (this.#hosts.has(place)) continue;
      const queued = this.#queued.get(place) ?? [];
      this.#queued.delete(place);
      for (const session of queued) session.lose("The last worker that offers it is leaving");
    }
    for (const name of host.offer.functions)
      removeFrom(this.#functions, `${host.tenant}/${name}`, host);
  }

  has(tenant: TenantId, code: CodeVersion): boolean {
    return this.#hosts.has(placeOf(tenant, code));
  }

  /** Attached workers that offer a function of that name, with room first. */
  findFunction(tenant: TenantId, name: string): AttachedHost | undefined {
    return roomiest(this.#functions.get(`${tenant}/${name}`));
  }

  /** Opens the session at once or when there is room. */
  place(session: CodeSession): void {
    this.#sessions.set(session.runId, session);
    const place = placeOf(session.tenant, session.code);
    const host = roomiest(this.#hosts.get(place));
    if (host !== undefined && host.room > 0) host.open(session);
    else addTo(this.#queued, place, session);
  }

  sessionOf(runId: RunId): CodeSession | undefined {
    return this.#sessions.get(runId);
  }

  forget(session: CodeSession): void {
    if (this.#sessions.get(session.runId) === session) this.#sessions.delete(session.runId);
    removeFrom(this.#queued, placeOf(session.tenant, session.code), session);
  }

  /** The host has room: those that came first. */
  pump(host: AttachedHost): void {
    for (const place of placesOf(host.tenant, host.offer)) {
      for (const session of this.#queued.get(place) ?? []) {
        if (host.room <= 0) return;
        removeFrom(this.#queued, place, session);
        if (!session.isClosed) host.open(session);
      }
    }
  }
}

const placeOf = (tenant: TenantId, { name, version }: CodeVersion): string =>
  `${tenant}/${name}\n${version}`;

const placesOf = (tenant: TenantId, { workflows }: WorkerOffer): readonly string[] =>
  workflows.map((offer) => placeOf(tenant, offer));

function roomiest(hosts: ReadonlySet<AttachedHost> | undefined): AttachedHost | undefined {
  let best: AttachedHost | undefined;
  for (const host of hosts ?? []) if (best === undefined || host.room > best.room) best = host;
  return best;
}

function addTo<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([value]));
  else known.add(value);
}

function removeFrom<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const known = map.get(key);
  known?.delete(value);
  if (known?.size === 0) map.delete(key);
}
