// Two engines in this process on one store, and a load for them: orders with children, runs that wait for events, runs
// that are cancelled, and starts that are made twice. What must have come of it is known.
import { createEngine, type Engine, type EngineOptions } from "@millrace/engine";
import { MillraceError, type JsonValue } from "@millrace/protocol";
import { workflow } from "@millrace/sdk";
import { createClient, type Client, type RunHandle } from "@millrace/sdk/client";
import { createWorker, type Worker } from "@millrace/sdk/worker";
import { soon } from "./deadline.ts";

export interface LoadOptions {
  readonly orderCount: number;
  readonly waiterCount: number;
  readonly cancelledCount: number;
}

interface Member {
  readonly engine: Engine;
  readonly client: Client;
  readonly worker: Worker;
}

const BILL = {
  name: "bill",
  steps: [{ id: "charge", type: "function", function: "charge" }],
  output: "{{steps.charge.output}}",
};

const ORDER = {
  name: "order",
  steps: [
    { id: "reserve", type: "function", function: "reserve" },
    { id: "bill", type: "subworkflow", config: { workflow: "bill", input: { n: "{{input.n}}" } } },
    {
      id: "ship",
      type: "function",
      function: "ship",
      config: { input: { n: "{{input.n}}", paid: "{{steps.bill.output.paid}}" } },
    },
  ],
};

/** Repeats what nobody knows the outcome of, as a caller should. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!MillraceError.is(error) || !PASSING.has(error.code)) throw error;
    }
  }
}

const PASSING: ReadonlySet<string> = new Set([
  "storage.unavailable",
  "storage.outcome-unknown",
  "storage.fenced-node",
]);

/** What each run gave, in the order of their numbers. */
export interface LoadReport {
  readonly orders: readonly unknown[];
  readonly deliveries: readonly unknown[];
  readonly abandoned: readonly unknown[];
  /** With the children. */
  readonly runCount: number;
}

/** What must come of it, whatever happens meanwhile. */
export function expectedOf({ orderCount, waiterCount, cancelledCount }: LoadOptions): LoadReport {
  const each = (count: number, end: (n: number) => unknown): readonly unknown[] =>
    Array.from({ length: count }, (_, n) => end(n));
  return {
    orders: each(orderCount, (n) => ({ shipped: n })),
    deliveries: each(waiterCount, (n) => `${n} at noon`),
    abandoned: each(cancelledCount, () => "RunCancelledError"),
    runCount: 2 * orderCount + waiterCount + cancelledCount,
  };
}

export class EngineLoad {
  readonly #members: Member[] = [];
  /** How often each body ran, by run and step. */
  readonly #bodies = new Map<string, number>();
  #onBody: () => void = () => undefined;

  /** Starts an engine on the store. The first brings the definitions. */
  async open(storage: EngineOptions["storage"]): Promise<void> {
    const body = (step: string, answer: (n: number) => JsonValue) => {
      return (input: JsonValue, { runId }: { readonly runId: string }) => {
        this.#ran(runId, step);
        const { n } = input as { readonly n: number };
        return answer(n);
      };
    };
    const engine = createEngine({
      storage,
      functions: {
        reserve: body("reserve", (n) => ({ n })),
        charge: body("charge", (n) => ({ paid: n * 2 })),
        ship: body("ship", (n) => ({ shipped: n })),
      },
    });
    await engine.start();
    const client = createClient({ engine });
    const delivery = workflow("delivery", {}, async (ctx, { n }: { readonly n: number }) => {
      await ctx.run("announce", () => this.#ran(ctx.runId, "announce"));
      // It may have been published before this run comes here.
      const lookback = "1h";
      const arrival = await ctx.waitForEvent<{ readonly at: string }>(`arrived.${n}`, { lookback });
      return ctx.run("thank", () => {
        this.#ran(ctx.runId, "thank");
        return `${n} at ${arrival?.at}`;
      });
    });
    const worker = createWorker({ engine, workflows: [delivery] });
    await worker.start();
    if (this.#members.length === 0) {
      for (const definition of [BILL, ORDER]) {
        const { id } = await client.workflows.create(definition);
        await client.workflows.activate(id);
      }
    }
    this.#members.push({ engine, client, worker });
  }

  #ran(runId: string, step: string): void {
    const place = `${runId}/${step}`;
    this.#bodies.set(place, (this.#bodies.get(place) ?? 0) + 1);
    this.#onBody();
  }

  #member(n: number): Member {
    const member = this.#members[n % this.#members.length];
    if (member === undefined) throw new Error("no engine was opened");
    return member;
  }

  /** Each start is made by two callers at the same time, at different nodes, with one key. */
  async #start(workflowName: string, n: number): Promise<RunHandle> {
    const start = ({ client }: Member): Promise<RunHandle> =>
      patiently(() =>
        client.start(workflowName, { n }, { idempotencyKey: `${workflowName}-${n}` }),
      );
    const [one, two] = await Promise.all([start(this.#member(n)), start(this.#member(n + 1))]);
    if (one.id !== two.id) throw new Error(`one key started ${one.id} and ${two.id}`);
    return one;
  }

  /** Puts the load on, and waits until all of it has ended. */
  async run({ orderCount, waiterCount, cancelledCount }: LoadOptions): Promise<LoadReport> {
    const starts = (name: string, count: number, from = 0): Promise<RunHandle[]> =>
      Promise.all(Array.from({ length: count }, (_, i) => this.#start(name, from + i)));
    const [orders, waiters, abandoned] = await Promise.all([
      starts("order", orderCount),
      starts("delivery", waiterCount),
      starts("delivery", cancelledCount, waiterCount),
    ]);
    const events = waiters.map((_, n) =>
      patiently(() =>
        this.#member(n + 1).client.notify({
          eventId: `arrived.${n}`,
          eventData: { at: "noon" },
          id: `arrival-${n}`,
        }),
      ),
    );
    const cancels = abandoned.map(({ id }, n) =>
      patiently(() => this.#member(n).client.runs.cancel(id)),
    );
    await Promise.all([...events, ...cancels]);
    const ends = (runs: readonly RunHandle[]): Promise<unknown[]> =>
      soon(
        `${runs.length} runs to end`,
        Promise.all(runs.map((run) => patiently(() => run.result().catch(nameOf)))),
      );
    return {
      orders: await ends(orders),
      deliveries: await ends(waiters),
      abandoned: await ends(abandoned),
      runCount: await this.#countRuns(),
    };
  }

  async #countRuns(): Promise<number> {
    const ids = await patiently(async () => {
      const listed = [];
      for await (const run of this.#member(0).client.runs.list()) listed.push(run.id);
      return listed;
    });
    return new Set(ids).size;
  }

  /** Bodies that ran more than once; run and step. None, as long as no node lost a run. */
  get repeatedBodies(): readonly string[] {
    return [...this.#bodies].flatMap(([place, count]) => (count === 1 ? [] : [place]));
  }

  get bodyCount(): number {
    return this.#bodies.size;
  }

  /** When so many bodies have run. */
  async hasRun(count: number): Promise<void> {
    await soon(
      `${count} bodies to run`,
      new Promise<void>((resolve) => {
        this.#onBody = () => {
          if (this.#bodies.size >= count) resolve();
        };
      }),
    );
  }

  async close(): Promise<void> {
    for (const { client, worker, engine } of this.#members) {
      await client.close();
      await worker.stop();
      await engine.stop({ graceMs: 0 });
    }
  }
}

/** Of what a run ended with. @throws what says nothing of the run */
function nameOf(error: unknown): string {
  if (MillraceError.is(error)) throw error;
  return error instanceof Error ? error.name : String(error);
}
