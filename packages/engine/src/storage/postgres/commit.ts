// One commit of a lane: units in, outcomes out, in the same order.
//
//   W1. Units of runs and messages go as one flight each, whatever their number: a statement a table.
//   W2. The hot path writes as if every unit were new. A row that is there already ends the transaction, what is known
//       is looked up and left out, and the rest is sent again.
//   W3. Units of one flight touch different runs, keys and names, and their texts are bounded (see `weigh.ts`); what does
//       not fit goes in the next.
//   W4. Messages have a transaction of their own: they lock runs of other nodes, and whoever locked these beside its
//       own could wait for a node that waits for it.
import { MillraceError, type NodeId } from "@millrace/protocol";
import type { Cell } from "../rows/cells.ts";
import type { CommitOutcome, DeliveryUnit, RunRef, RunUnit, StartUnit, Unit } from "../storage.ts";
import { applyEventUnits, isEventUnit, type EventUnit } from "./apply-event-units.ts";
import type { Database } from "./database.ts";
import { DeliveryBatch } from "./delivery-batch.ts";
import { isDuplicate, toStorageError } from "./errors.ts";
import { planForgetSent } from "./forget-sent.ts";
import { lookUpDeliveries, lookUpRunUnits, lookUpStarts, type Explained } from "./look-up.ts";
import { mark, orFenced } from "./mark.ts";
import { Plan } from "./plan.ts";
import { RunUnitBatch } from "./run-unit-batch.ts";
import { StartBatch } from "./start-batch.ts";
import { MOST_CHARACTERS, weigh } from "./weigh.ts";

export interface CommitRequest {
  readonly node: NodeId;
  /** A test's time; null: the database's. */
  readonly now: number | null;
  /** Grows: messages of one millisecond go in the order of being sent. */
  readonly nextPlace: () => number;
  readonly units: readonly Unit[];
}

export interface Committed {
  readonly outcomes: readonly CommitOutcome[];
  /** A run became due, or a message waits. */
  readonly wakes: boolean;
  /** Runs of other nodes that got messages. */
  readonly told: readonly { readonly owner: NodeId; readonly run: RunRef }[];
}

interface Place<T> {
  /** In the commit. */
  readonly at: number;
  readonly unit: T;
}

type RunWrite = Exclude<Unit, DeliveryUnit | EventUnit>;

/** How often what nothing explains is sent again: what stood in its way has gone meanwhile. */
const MOST_TRIES = 5;

class Committing {
  readonly outcomes: (CommitOutcome | undefined)[];
  readonly told: { readonly owner: NodeId; readonly run: RunRef }[] = [];
  wakes = false;
  /** Something is durable of which the caller hears nothing if the rest fails. */
  hasWritten = false;
  /** What the last flight failed by, if it did. */
  #inTheWay: unknown;
  readonly #database: Database;
  readonly #node: NodeId;
  readonly #now: number | null;
  readonly #nextPlace: () => number;

  constructor(database: Database, { node, now, nextPlace, units }: CommitRequest) {
    this.#database = database;
    this.#node = node;
    this.#now = now;
    this.#nextPlace = nextPlace;
    this.outcomes = units.map(() => undefined);
  }

  async write(units: readonly Place<RunWrite>[]): Promise<void> {
    for (let rest = units, tries = 0; ; tries++) {
      const left = await this.#tryWrite(rest, tries === MOST_TRIES);
      if (left.length === 0) return;
      if (tries === MOST_TRIES)
        throw this.#tooManyTries("Units meet others again and again; repeat.");
      rest = left;
    }
  }

  /** @returns units to send again */
  async #tryWrite(
    units: readonly Place<RunWrite>[],
    isLast: boolean,
  ): Promise<readonly Place<RunWrite>[]> {
    try {
      await this.#sendRuns(units);
    } catch (error) {
      if (!isDuplicate(error)) throw orFenced(error, this.#node);
      this.#inTheWay = error;
      const left = await this.#explain(units);
      // Nothing of it is known. It may have gone meanwhile, as a name does, or be a place in the audit, which is another
      // each time; what stays is a fault.
      if (isLast && left.length === units.length) throw error;
      return left;
    }
    return this.#explain(
      units.filter(({ at }) => this.outcomes[at] === undefined),
      true,
    );
  }

  async #sendRuns(units: readonly Place<RunWrite>[]): Promise<void> {
    const [starts, runUnits] = [new StartBatch(), new RunUnitBatch(this.#nextPlace)];
    const places = new Map<string, number>();
    for (const { at, unit } of units) {
      if (unit.kind === "start") starts.add(unit);
      else if (unit.kind === "run") runUnits.add(unit);
      if (unit.kind !== "sent") places.set(placeOf(unit), at);
    }
    const found: number[] = [];
    const hear = (kind: string) => (tenant: Cell, run: Cell) => {
      const at = places.get(`${kind}\n${String(tenant)}\n${String(run)}`);
      if (at !== undefined) found.push(at);
    };
    const dueTimes: Cell[] = [];
    let storeNow = 0;
    const plan = new Plan();
    plan.add(mark(this.#database, this.#node, this.#now), (rows) => {
      storeNow = Number(rows[0]?.[1]);
    });
    starts.plan(plan, this.#now, hear("start"));
    runUnits.plan(plan, this.#node, this.#now, {
      done: hear("run"),
      parked: (dueAt) => void dueTimes.push(dueAt),
    });
    planForgetSent(
      plan,
      units.flatMap(({ unit }) => (unit.kind === "sent" ? [unit] : [])),
    );
    plan.read(await this.#database.fly("commit", plan.statements));
    const done = new Set(found);
    this.hasWritten ||= found.length > 0;
    for (const { at, unit } of units) {
      if (unit.kind !== "sent" && !done.has(at)) continue;
      this.outcomes[at] = { kind: "done" };
      if (unit.kind === "start" && unit.owner === null) dueTimes.push(unit.dueAt);
    }
    this.wakes ||= dueTimes.some((dueAt) => typeof dueAt === "number" && dueAt <= storeNow);
  }

  /** @param isLast they have been sent, and nothing stood in their way. @returns those that nothing explains */
  async #explain(
    units: readonly Place<RunWrite>[],
    isLast = false,
  ): Promise<readonly Place<RunWrite>[]> {
    if (units.length === 0) return [];
    const starts = units.flatMap(({ at, unit }) => (unit.kind === "start" ? [{ at, unit }] : []));
    const runs = units.flatMap(({ at, unit }) => (unit.kind === "run" ? [{ at, unit }] : []));
    await this.#database.transact("commit", async (fly) => {
      this.#answer(starts, await lookUpStarts(fly, unitsOf(starts), this.#now));
      this.#answer(runs, await lookUpRunUnits(fly, unitsOf(runs), this.#node));
    });
    const left = units.filter(({ at }) => this.outcomes[at] === undefined);
    if (!isLast) return left;
    return left.filter(({ at, unit }) => {
      // Neither its key, its id nor its name was in its way.
      if (unit.kind !== "start" || unit.workflowRevision === null) return true;
      this.outcomes[at] = { kind: "refused", code: "workflow.changed" };
      return false;
    });
  }

  #answer<T>(places: readonly Place<T>[], explained: readonly Explained[]): void {
    for (const [i, { at }] of places.entries()) this.outcomes[at] = explained[i] ?? undefined;
    // Done by an attempt of which nobody heard what it woke.
    this.wakes ||= explained.some(isRepeat);
  }

  async deliver(units: readonly Place<DeliveryUnit>[]): Promise<void> {
    for (let rest = units, tries = 0; rest.length > 0; tries++) {
      if (tries > MOST_TRIES)
        throw this.#tooManyTries("Messages meet others again and again; repeat.");
      if (!(await this.#sendMessages(rest))) continue;
      const unanswered = rest.filter(({ at }) => this.outcomes[at] === undefined);
      if (unanswered.length === 0) return;
      await this.#database.transact("commit", async (fly) => {
        const found = await lookUpDeliveries(fly, unitsOf(unanswered), (to, owner) =>
          this.#tell(owner, to),
        );
        this.#answer(unanswered, found);
      });
      rest = unanswered.filter(({ at }) => this.outcomes[at] === undefined);
    }
  }

  #tell(owner: NodeId | null, run: RunRef): void {
    if (owner !== null && owner !== this.#node) this.told.push({ owner, run });
  }

  /** @returns false: a place in the audit was taken, and nothing written */
  async #sendMessages(units: readonly Place<DeliveryUnit>[]): Promise<boolean> {
    const batch = new DeliveryBatch();
    const places = new Map<string, number>();
    const refs = new Map<string, RunRef>();
    for (const { at, unit } of units) {
      batch.add(unit);
      places.set(placeOf(unit), at);
      refs.set(`${unit.to.tenant}\n${unit.to.runId}`, unit.to);
    }
    const plan = new Plan();
    plan.add(mark(this.#database, this.#node, this.#now));
    batch.plan(plan, this.#now, {
      inserted: (tenant, run, message) => {
        const at = places.get(`delivery\n${String(tenant)}\n${String(run)}\n${String(message)}`);
        if (at === undefined) return;
        this.outcomes[at] = { kind: "done" };
        this.hasWritten = true;
      },
      woken: (tenant, run, owner) => {
        this.wakes = true;
        const ref = refs.get(`${String(tenant)}\n${String(run)}`);
        // Written as an id.
        if (ref !== undefined) this.#tell(owner as NodeId | null, ref);
      },
    });
    try {
      plan.read(await this.#database.fly("commit", plan.statements));
      return true;
    } catch (error) {
      if (!isDuplicate(error)) throw orFenced(error, this.#node);
      this.#inTheWay = error;
      return false;
    }
  }

  async publish(units: readonly Place<EventUnit>[]): Promise<void> {
    try {
      const outcomes = await applyEventUnits(this.#database, unitsOf(units), {
        node: this.#node,
        now: this.#now,
        nextPlace: this.#nextPlace,
      });
      for (const [i, { at }] of units.entries()) this.outcomes[at] = outcomes[i];
    } catch (error) {
      throw orFenced(error, this.#node);
    }
  }

  #tooManyTries(message: string): MillraceError {
    return new MillraceError("storage.unavailable", message, { cause: this.#inTheWay });
  }

  async check(): Promise<void> {
    try {
      await this.#database.fly("commit", [mark(this.#database, this.#node, this.#now)]);
    } catch (error) {
      throw orFenced(error, this.#node);
    }
  }
}

/** @throws what `pg` throws, or a `MillraceError`; some units may have been written only if it is to be sent again */
export async function commit(database: Database, request: CommitRequest): Promise<Committed> {
  const committing = new Committing(database, request);
  try {
    await writeAll(committing, request.units);
  } catch (error) {
    throw committing.hasWritten ? orHalfWritten(error) : error;
  }
  const { outcomes, wakes, told } = committing;
  return { outcomes: outcomes.map((it) => it ?? MISSING), wakes, told };
}

async function writeAll(committing: Committing, units: readonly Unit[]): Promise<void> {
  const [writes, deliveries, events] = sortUnits(units);
  if (units.length === 0) await committing.check();
  for (const flight of toFlights(writes)) await committing.write(flight);
  for (const flight of toFlights(deliveries)) await committing.deliver(flight);
  if (events.length > 0) await committing.publish(events);
}

/**
 * Some of it stands. Who is told that nothing was written would forget runs that it owns; who sends it again hears what
 * stands, and then the same error. Whose units are rejected sends each again in any case.
 */
function orHalfWritten(error: unknown): unknown {
  const fault = toStorageError(error);
  if (fault.code === "storage.rejected" || fault.code === "storage.unavailable") return fault;
  const message = "The database did a part of it, and could not do the rest now. Repeat.";
  return new MillraceError("storage.unavailable", message, { cause: fault });
}

/** No unit is left without an answer. */
const MISSING: CommitOutcome = { kind: "lost" };

type Sorted = readonly [
  writes: readonly Place<RunWrite>[],
  deliveries: readonly Place<DeliveryUnit>[],
  events: readonly Place<EventUnit>[],
];

function sortUnits(units: readonly Unit[]): Sorted {
  const writes: Place<RunWrite>[] = [];
  const deliveries: Place<DeliveryUnit>[] = [];
  const events: Place<EventUnit>[] = [];
  for (const [at, unit] of units.entries()) {
    if (unit.kind === "delivery") deliveries.push({ at, unit });
    else if (isEventUnit(unit)) events.push({ at, unit });
    else writes.push({ at, unit });
  }
  return [writes, deliveries, events];
}

const isRepeat = (outcome: Explained): boolean =>
  outcome?.kind === "done" || (outcome?.kind === "existing" && outcome.payloadHash === null);

/** W3. */
function toFlights<T extends RunWrite | DeliveryUnit>(
  places: readonly Place<T>[],
): readonly (readonly Place<T>[])[] {
  const flights: Place<T>[][] = [];
  let taken = new Set<string>();
  let weight = 0;
  for (const place of places) {
    const names = namesOf(place.unit);
    const own = weigh(place.unit);
    const last = flights.at(-1);
    const isFull = weight + own > MOST_CHARACTERS || names.some((name) => taken.has(name));
    if (last === undefined || isFull) {
      flights.push([place]);
      taken = new Set(names);
      weight = own;
    } else {
      last.push(place);
      for (const name of names) taken.add(name);
      weight += own;
    }
  }
  return flights;
}

/** What no two units of one flight may share. */
function namesOf(unit: RunWrite | DeliveryUnit): readonly string[] {
  if (unit.kind === "sent") return [];
  const own = placeOf(unit);
  if (unit.kind !== "start") return [own];
  const { tenant, name } = unit.run;
  const names = [own];
  if (unit.key !== null) names.push(`key\n${tenant}\n${unit.key.scope}\n${unit.key.key}`);
  if (name !== null) names.push(`name\n${tenant}\n${name}`);
  return names;
}

function placeOf(unit: StartUnit | RunUnit | DeliveryUnit): string {
  switch (unit.kind) {
    case "start":
      return `start\n${unit.run.tenant}\n${unit.run.id}`;
    case "run":
      return `run\n${unit.ref.tenant}\n${unit.ref.runId}`;
    case "delivery":
      return `delivery\n${unit.to.tenant}\n${unit.to.runId}\n${unit.message.id}`;
  }
}

const unitsOf = <T>(places: readonly Place<T>[]): readonly T[] => places.map(({ unit }) => unit);
