// Starts, as clients make them: with a key each, again when nobody knows what became of them, and by several clients at
// once.
import type { Random } from "../packages/engine/src/simulation/random.ts";
import type { Answer, Caller } from "./caller.ts";
import type { StartRecord } from "./history.ts";
import type { Plant } from "./plants.ts";

interface OpenRecord extends StartRecord {
  readonly answers: string[];
  newCount: number;
}

export interface StartRequest {
  readonly workflow: string;
  readonly input?: object;
  readonly name?: string;
  /** Nothing else hangs on it, so a client may give it up. */
  readonly isAlone?: boolean;
  /** Which is asked first. Default: any. */
  readonly node?: number;
}

/** Shares of all starts: two clients at once; once more, after the answer; given up after one impatient try. */
const TWINS = 0.1;
const REPEATED = 0.1;
const GIVEN_UP = 0.03;
const IMPATIENT_MS = 30;

const CREATED = 201;
const REPLAYED = 200;

export class Starts {
  readonly records: StartRecord[] = [];
  /** What no server may answer, a sentence each. */
  readonly badAnswers: string[] = [];
  readonly #caller: Caller;
  readonly #random: Random;
  readonly #plants: readonly Plant[];

  constructor(caller: Caller, random: Random, plants: readonly Plant[]) {
    this.#caller = caller;
    this.#random = random;
    this.#plants = plants;
  }

  /** @returns its run; null: it was given up */
  async start(request: StartRequest): Promise<{ runId: string; intent: string } | null> {
    const record = this.#open(request);
    const send = (): Promise<void> => this.#send(record, request);
    if (request.isAlone === true && this.#random.chance(GIVEN_UP)) {
      await this.#sendOnce(record, request);
      return null;
    }
    const isTwin = this.#random.chance(TWINS);
    await Promise.all(isTwin ? [send(), send()] : [send()]);
    if (this.#random.chance(REPEATED)) await send();
    const [runId] = record.answers;
    return runId === undefined ? null : { runId, intent: record.intent };
  }

  /** In one request. */
  async startMany(workflow: string, count: number): Promise<void> {
    const records = Array.from({ length: count }, () => this.#open({ workflow }));
    const items = records.map(({ intent }) => ({ idempotencyKey: intent, metadata: { intent } }));
    const answer = await this.#caller.call({
      method: "POST",
      path: `/api/v1/workflows/${workflow}/run/batch`,
      body: { items },
    });
    if (answer.status !== REPLAYED) return this.#refuse("a batch", answer);
    // The API's own shape.
    const outcomes = answer.data as readonly { readonly status: string; readonly runId?: string }[];
    for (const [n, record] of records.entries()) {
      const { status, runId } = outcomes[n] ?? {};
      if (runId !== undefined) note(record, runId, status === "created");
      // A single item may fail by the store's fault, like a start of its own: it is asked for again.
      else await this.#send(record, { workflow });
    }
  }

  #open({ workflow, name }: StartRequest): OpenRecord {
    const intent = `start-${this.records.length}`;
    const record = { intent, workflow, name: name ?? null, answers: [], newCount: 0 };
    this.records.push(record);
    return record;
  }

  async #send(record: OpenRecord, request: StartRequest): Promise<void> {
    const call = toCall(record, request, record.intent);
    const answer = await this.#caller.call(call, request.node);
    this.#note(record, answer);
    if (!this.#plants.includes("start-again")) return;
    if (request.isAlone !== true || record.answers.length > 1) return;
    await this.#caller.call(toCall(record, request, `${record.intent}-again`));
  }

  async #sendOnce(record: OpenRecord, request: StartRequest): Promise<void> {
    const call = toCall(record, request, record.intent);
    const answer = await this.#caller.once(call, { timeoutMs: IMPATIENT_MS });
    if (answer !== null) this.#note(record, answer);
  }

  #note(record: OpenRecord, answer: Answer): void {
    if (answer.status !== CREATED && answer.status !== REPLAYED) {
      return this.#refuse(record.intent, answer);
    }
    // The API's own shape.
    const { runId } = answer.data as { readonly runId: string };
    note(record, runId, answer.status === CREATED);
  }

  #refuse(what: string, { status, reason }: Answer): void {
    this.badAnswers.push(`${what} was answered with ${status} (${reason})`);
  }
}

function note(record: OpenRecord, runId: string, isNew: boolean): void {
  record.answers.push(runId);
  if (isNew) record.newCount += 1;
}

const toCall = (
  { intent }: StartRecord,
  { workflow, input = {}, name }: StartRequest,
  idempotencyKey: string,
): Parameters<Caller["call"]>[0] => ({
  method: "POST",
  path: `/api/v1/workflows/${workflow}/run`,
  body: {
    input,
    idempotencyKey,
    metadata: { intent },
    ...(name === undefined ? {} : { runId: name, onConflict: "existing" }),
  },
});
