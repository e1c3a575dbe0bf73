// Runs that wait in the store for a worker, and the workers of this node that could take them: code runs wait for one
// that has their workflow, others for one that has the function which a step of theirs calls.
//
//   A1. A node that stores a run or gives one up for want of a worker tells all; a node that has one takes it as it was told.
//   A2. Whatever was not heard is found by looking: when a worker attaches, and now and then while it has room.
//   A3. No more is taken than workers have room for, urgent and old ones first: the rest stays for other nodes.
import type { NodeId, RunId, TenantId, WorkflowId } from "@millrace/protocol";
import type { DueRun, Hint, RunRef, Storage } from "../storage/storage.ts";
import type { AttachedHost } from "./attached-host.ts";
import type { Taken } from "./claimer.ts";
import type { Announced } from "./code-catalog.ts";
import type { Log } from "./log.ts";
import type { Workflows } from "./workflows.ts";

export interface AwaitingRunsOptions {
  readonly storage: Pick<Storage, "read">;
  readonly workflows: Pick<Workflows, "loadedVersion" | "version">;
  /** How many more runs this node may hold now. */
  readonly room: () => number;
  /** Takes those that are still as they were found, and takes them up. */
  readonly take: (runs: readonly DueRun[]) => Promise<Taken>;
  /** One may be taken here of which readers at another node want to hear. */
  readonly onExpected: (run: RunRef, node: NodeId) => void;
  /** Somebody offers something: from now on it is worth looking. */
  readonly onOffer: () => void;
  readonly log: Log;
}

/** A workflow's version as code names it: the catalog may count several that are one to a worker. */
export interface AwaitedCode {
  readonly tenant: TenantId;
  readonly name: string;
  readonly version: string;
}

/** A function of workers. */
export interface AwaitedFunction {
  readonly tenant: TenantId;
  readonly function: string;
}

interface Place {
  readonly tenant: TenantId;
  readonly hosts: Set<AttachedHost>;
  /** null: its runs wait for a version of a workflow. */
  readonly function: string | null;
  /** What the catalog calls that version, as far as it is known here. */
  readonly versions: Map<string, Announced>;
  /** Runs that may be taken next; some may be gone. */
  readonly found: Map<RunId, DueRun>;
  /** The store may have others. */
  mayHaveMore: boolean;
  isTaking: boolean;
}

/** What comes while these are taken waits for them, however urgent it is. */
const PAGE = 100;

export class AwaitingRuns {
  readonly #options: AwaitingRunsOptions;
  readonly #places = new Map<string, Place>();

  constructor(options: AwaitingRunsOptions) {
    this.#options = options;
  }

  get isOffered(): boolean {
    return this.#places.values().some(({ hosts }) => hosts.size > 0);
  }

  /** A2. */
  offer(code: AwaitedCode, announced: Announced, host: AttachedHost): void {
    const place = this.#placeOf(code);
    place.hosts.add(host);
    remember(place, announced);
    place.mayHaveMore = true;
    this.#options.onOffer();
    void this.#takeSome(place);
  }

  /** A2. */
  offerFunctions(host: AttachedHost): void {
    const { tenant, offer } = host;
    if (offer.functions.length === 0) return;
    const places = offer.functions.map((name) => this.#placeOf({ tenant, function: name }));
    for (const place of places) place.hosts.add(host);
    this.#options.onOffer();
    void this.#lookFor(places);
  }

  withdraw(awaited: AwaitedCode | AwaitedFunction, host: AttachedHost): void {
    const key = keyOf(awaited);
    const place = this.#places.get(key);
    place?.hosts.delete(host);
    // Of a workflow it is worth remembering what its version is called.
    if (place?.hosts.size === 0 && place.function !== null) this.#places.delete(key);
  }

  /** This node has given it up; a worker may have come meanwhile, or comes later. */
  gaveUp(code: AwaitedCode, run: DueRun, announced: Announced): void {
    const place = this.#placeOf(code);
    remember(place, announced);
    void this.#takeOne(place, run);
  }

  /** The same, for want of a function. */
  gaveUpForFunction(awaited: AwaitedFunction, run: DueRun): void {
    const place = this.#places.get(keyOf(awaited));
    if (place !== undefined) void this.#takeOne(place, run);
  }

  /** A1: another node has. */
  async hear({ run, node, workflow, version }: Extract<Hint, { kind: "awaiting" }>): Promise<void> {
    if (!this.isOffered) return;
    const code = await this.#codeOf(run.tenant, workflow, version);
    const place = code === null ? undefined : this.#places.get(keyOf(code));
    if (place === undefined || place.hosts.size === 0) return;
    this.#expect(run, node);
    remember(place, { id: workflow, version });
    await this.#takeOne(place, run);
  }

  /** A1. */
  async hearOfFunction(hint: Extract<Hint, { kind: "awaiting-function" }>): Promise<void> {
    const { run, node } = hint;
    const place = this.#places.get(keyOf({ tenant: run.tenant, function: hint.function }));
    if (place === undefined || place.hosts.size === 0) return;
    this.#expect(run, node);
    await this.#takeOne(place, run);
  }

  /** The worker has room again. */
  hasRoom(host: AttachedHost): void {
    for (const place of this.#places.values()) {
      const hasSome = place.mayHaveMore || place.found.size > 0;
      if (hasSome && place.hosts.has(host)) void this.#takeSome(place);
    }
  }

  /** A2. */
  async look(): Promise<void> {
    const places = [...this.#places.values()].filter(({ hosts }) => hosts.size > 0);
    const [code, functions] = [
      places.filter((place) => place.function === null),
      places.filter((place) => place.function !== null),
    ];
    for (const place of code) {
      place.mayHaveMore = true;
      await this.#takeSome(place);
    }
    await this.#lookFor(functions);
  }

  /** Workers may offer many functions: one read for all of a tenant says for which of them runs wait. */
  async #lookFor(places: readonly Place[]): Promise<void> {
    // Where there is no room it may as well be: it is read when there is.
    for (const place of places) place.mayHaveMore ||= freeSlots(place) === 0;
    const asked = places.filter((place) => !place.mayHaveMore);
    for (const [tenant, some] of Map.groupBy(asked, (place) => place.tenant)) {
      const found = await this.#awaited(tenant, some);
      for (const place of some) place.mayHaveMore ||= found === null || found.has(place.function);
    }
    for (const place of places) await this.#takeSome(place);
  }

  /** @returns null: not known, so it may be any */
  async #awaited(
    tenant: TenantId,
    places: readonly Place[],
  ): Promise<ReadonlySet<string | null> | null> {
    const { storage, log } = this.#options;
    const functions = places.flatMap((place) => place.function ?? []);
    try {
      return new Set(await storage.read({ kind: "awaited-functions", tenant, functions }));
    } catch (error) {
      log.debug({ err: error }, "cannot look which functions runs wait for");
      return null;
    }
  }

  #expect({ tenant, shard, runId }: DueRun, node: NodeId): void {
    this.#options.onExpected({ tenant, shard, runId }, node);
  }

  async #codeOf(
    tenant: TenantId,
    workflow: WorkflowId,
    version: number,
  ): Promise<AwaitedCode | null> {
    const { workflows, log } = this.#options;
    try {
      const known =
        workflows.loadedVersion(tenant, workflow, version) ??
        (await workflows.version(tenant, workflow, version));
      return known?.code === undefined ? null : { tenant, ...known.code };
    } catch (error) {
      log.debug({ err: error }, "cannot look up the workflow of a run that waits for a worker");
      return null;
    }
  }

  async #takeOne(place: Place, run: DueRun): Promise<void> {
    if (place.hosts.size === 0) return;
    // Where others wait as well, the store knows whose turn it is.
    const isNext = !place.mayHaveMore && place.found.size < freeSlots(place);
    if (isNext) place.found.set(run.runId, run);
    else place.mayHaveMore = true;
    await this.#takeSome(place);
  }

  async #takeSome(place: Place): Promise<void> {
    const { room, take, log } = this.#options;
    if (place.isTaking) return;
    place.isTaking = true;
    try {
      // A3.
      for (let free = 0; (free = Math.min(freeSlots(place), room())) > 0;) {
        if (place.found.size === 0 && place.mayHaveMore) await this.#read(place);
        if (place.found.size === 0) break;
        const some = [...place.found.values()].slice(0, free);
        for (const { runId } of some) place.found.delete(runId);
        if ((await take(some)) === "some") place.mayHaveMore = true;
      }
    } catch (error) {
      log.warn({ err: error }, "cannot take runs that wait for a worker; looks again later");
    } finally {
      place.isTaking = false;
    }
  }

  async #read(place: Place): Promise<void> {
    const { found } = place;
    place.mayHaveMore = false;
    try {
      for (const read of this.#readsOf(place)) {
        const runs = await read();
        for (const run of runs) found.set(run.runId, run);
        if (runs.length === PAGE) place.mayHaveMore = true;
      }
    } catch (error) {
      place.mayHaveMore = true;
      throw error;
    }
  }

  #readsOf({ tenant, function: name, versions }: Place): (() => Promise<readonly DueRun[]>)[] {
    const { storage } = this.#options;
    const asked = { tenant, limit: PAGE };
    if (name !== null)
      return [() => storage.read({ kind: "awaiting-function", function: name, ...asked })];
    return Array.from(
      versions.values(),
      ({ id: workflow, version }) =>
        () =>
          storage.read({ kind: "awaiting", workflow, version, ...asked }),
    );
  }

  #placeOf(awaited: AwaitedCode | AwaitedFunction): Place {
    const key = keyOf(awaited);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place: Place = {
      tenant: awaited.tenant,
      hosts: new Set(),
      function: "function" in awaited ? awaited.function : null,
      versions: new Map(),
      found: new Map(),
      mayHaveMore: false,
      isTaking: false,
    };
    this.#places.set(key, place);
    return place;
  }
}

const keyOf = (awaited: AwaitedCode | AwaitedFunction): string => {
  // No workflow has a name that begins so.
  if ("function" in awaited) return `${awaited.tenant}/\n${awaited.function}`;
  return `${awaited.tenant}/${awaited.name}\n${awaited.version}`;
};

const freeSlots = ({ hosts }: Place): number =>
  hosts.values().reduce((sum, { room }) => sum + Math.max(0, room), 0);

const remember = ({ versions }: Place, announced: Announced): void => {
  versions.set(`${announced.id}#${announced.version}`, announced);
};
