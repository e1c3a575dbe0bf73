// What clients do while everything fails: at an even pace, each thing until it is acknowledged.
import type { Random } from "../packages/engine/src/simulation/random.ts";
import type { Answer, Call, Caller } from "./caller.ts";
import { CODE, ITEM_SIGNAL } from "./code-names.ts";
import type { SentRecord } from "./history.ts";
import { pause } from "./pause.ts";
import type { Plant } from "./plants.ts";
import { Starts } from "./starts.ts";
import { ITEMS } from "./workflows.ts";

type Deed = (load: Load) => Promise<unknown>;

const alone =
  (workflow: string): Deed =>
  (load) =>
    load.startAlone(workflow);

/** How often each comes up. */
const DEEDS: readonly (readonly [weight: number, deed: Deed])[] = [
  [24, alone("wf_chain")],
  [10, alone("wf_nap")],
  [8, alone("wf_retry")],
  [10, alone("wf_parent")],
  [14, alone(CODE.triple)],
  [5, alone(CODE.family)],
  [8, (load) => load.fillInbox()],
  [4, (load) => load.tellListeners()],
  [8, (load) => load.cancelLong()],
  [3, (load) => load.startBatch()],
];

/** Things that are done at the same time; beyond it, what is due is left out. */
const MOST_AT_ONCE = 150;
const BATCH = 20;
const LISTENERS = 2;
const LONGEST_NAP_MS = 2_000;
/** Of lone starts: so many clients look whether the run has ended. */
const FOLLOWED = 0.2;
const FOLLOW_SECONDS = 3;
/** Of inboxes: so many have a name, and so many get their signals in one request. */
const NAMED = 0.5;
const BURSTS = 0.5;

const OK = 200;
const ACCEPTED = 202;

export class Load {
  readonly starts: Starts;
  readonly signals: SentRecord[] = [];
  readonly events: SentRecord[] = [];
  readonly listeners = new Map<string, readonly string[]>();
  readonly cancels = new Set<string>();
  readonly seenEnds = new Map<string, string>();
  /** Of what was due, because too much was under way. */
  leftOutCount = 0;
  readonly #badAnswers: string[] = [];
  readonly #caller: Caller;
  readonly #random: Random;
  readonly #plants: readonly Plant[];
  readonly #flying = new Set<Promise<unknown>>();

  constructor(caller: Caller, random: Random, plants: readonly Plant[] = []) {
    this.#caller = caller;
    this.#random = random;
    this.#plants = plants;
    this.starts = new Starts(caller, random.fork(), plants);
  }

  get badAnswers(): readonly string[] {
    return [...this.#badAnswers, ...this.starts.badAnswers, ...this.#caller.mistakes];
  }

  /** So many deeds a second, until the signal aborts. */
  async run(perSecond: number, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    for (let n = 0; !signal.aborted; n++) {
      await pause(Math.max(0, startedAt + (n * 1_000) / perSecond - performance.now()), signal);
      if (this.#flying.size >= MOST_AT_ONCE) this.leftOutCount += 1;
      else this.#do(this.#draw());
    }
  }

  /** Everything is acknowledged. */
  async landed(): Promise<void> {
    while (this.#flying.size > 0) await Promise.all(this.#flying);
  }

  /** A step that keeps the node busy that takes it; likely this one. */
  async compute(node: number, ms: number): Promise<void> {
    // Its client does not wait for an answer of a node that cannot give one.
    this.#do((load) => load.starts.start({ workflow: "wf_busy", input: { ms }, node }));
    await pause(ms);
  }

  async startAlone(workflow: string): Promise<void> {
    const pauseMs = this.#random.between(20, LONGEST_NAP_MS);
    const input = workflow === "wf_nap" ? { pauseMs } : {};
    const started = await this.starts.start({ workflow, input, isAlone: true });
    if (started !== null && this.#random.chance(FOLLOWED)) await this.#follow(started.runId);
  }

  async startBatch(): Promise<void> {
    await this.starts.startMany("wf_chain", BATCH);
  }

  async cancelLong(): Promise<void> {
    const started = await this.starts.start({ workflow: "wf_long" });
    if (started === null) return;
    await pause(this.#random.between(0, 500));
    const path = `/api/v1/runs/${started.runId}/cancel`;
    const answer = await this.#caller.call({ method: "POST", path, body: {} });
    // A cancel whose answer was lost may have ended the run.
    const isRepeat = answer.status === 409 && answer.reason === "run.finished";
    if (isRepeat || this.#expect(answer, ACCEPTED, path)) this.cancels.add(started.intent);
  }

  async fillInbox(): Promise<void> {
    const name = this.#random.chance(NAMED) ? `inbox ${this.starts.records.length}` : undefined;
    const started = await this.starts.start({
      workflow: CODE.inbox,
      ...(name === undefined ? {} : { name }),
    });
    if (started === null) return;
    const { runId, intent } = started;
    const toEvent = (sequence: number): EventToSend => {
      const id = `${intent}/${sequence}`;
      return { id, eventId: ITEM_SIGNAL, eventData: { sequence }, runId: name ?? runId };
    };
    await this.#sendAll(this.signals, intent, toEvent);
  }

  async tellListeners(): Promise<void> {
    const topic = `topic-${this.listeners.size}`;
    // Known before any of it can be answered.
    this.listeners.set(topic, []);
    const input = { topic };
    const started = await Promise.all(
      Array.from({ length: LISTENERS }, () =>
        this.starts.start({ workflow: CODE.listener, input }),
      ),
    );
    const intents = started.flatMap((one) => one?.intent ?? []);
    this.listeners.set(topic, intents);
    const toEvent = (sequence: number): EventToSend => {
      return { id: `${topic}/${sequence}`, eventId: topic, eventData: { sequence } };
    };
    await this.#sendAll(this.events, topic, toEvent);
  }

  /** One after the other, or all in one request. */
  async #sendAll(
    records: SentRecord[],
    to: string,
    toEvent: (sequence: number) => EventToSend,
  ): Promise<void> {
    const all = Array.from({ length: ITEMS }, (_, sequence) => toEvent(sequence));
    const isBurst = this.#random.chance(BURSTS);
    const requests = isBurst ? [all] : all.map((event) => [event]);
    for (const events of requests) {
      const call: Call = { method: "POST", path: "/api/v1/events", body: { events } };
      const isAcknowledged = await this.#publish(call, events.length);
      for (const { id, eventData } of events) {
        records.push({ id, to, sequence: eventData.sequence, isAcknowledged, isBurst });
      }
      if (!this.#plants.includes("signal-again")) continue;
      const again = events.map((event) => ({ ...event, id: `${event.id}-again` }));
      await this.#publish({ ...call, body: { events: again } }, again.length);
    }
  }

  /** Until every item of it is acknowledged. */
  async #publish(call: Call, count: number): Promise<boolean> {
    for (;;) {
      const answer = await this.#caller.call(call);
      if (!this.#expect(answer, OK, call.path)) return false;
      // The API's own shape.
      const outcomes = answer.data as readonly { readonly error?: { readonly reason: string } }[];
      const reasons = outcomes
        .flatMap(({ error }) => error?.reason ?? [])
        // A run that has all its signals ends, also if the answer to the last one was lost. K5 sees what was not.
        .filter((reason) => reason !== "run.finished");
      if (reasons.length === 0 && outcomes.length === count) return true;
      const other = reasons.find((reason) => !reason.startsWith("storage."));
      if (other === undefined) continue;
      this.#badAnswers.push(`an event was answered with ${other}`);
      return false;
    }
  }

  async #follow(runId: string): Promise<void> {
    const path = `/api/v1/runs/${runId}?wait=${FOLLOW_SECONDS}`;
    const answer = await this.#caller.call({ method: "GET", path });
    if (!this.#expect(answer, OK, path)) return;
    // The API's own shape.
    const { status } = answer.data as { readonly status: string };
    if (status !== "pending" && status !== "running") this.seenEnds.set(runId, status);
  }

  #expect({ status, reason }: Answer, wanted: number, path: string): boolean {
    if (status === wanted) return true;
    this.#badAnswers.push(`${path} was answered with ${status} (${reason})`);
    return false;
  }

  #do(deed: Deed): void {
    const flight = deed(this)
      .catch((error: unknown) => {
        this.#badAnswers.push(error instanceof Error ? error.message : String(error));
      })
      .finally(() => this.#flying.delete(flight));
    this.#flying.add(flight);
  }

  #draw(): Deed {
    const total = DEEDS.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.#random.between(1, total);
    for (const [weight, deed] of DEEDS) {
      left -= weight;
      if (left <= 0) return deed;
    }
    throw new Error("the weights of the deeds do not add up");
  }
}

interface EventToSend {
  readonly id: string;
  readonly eventId: string;
  readonly eventData: { readonly sequence: number };
  readonly runId?: string;
}
