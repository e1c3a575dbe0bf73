// Random lives of runs on nodes that die, while passes remove what has ended as early as they may. Whoever looks at the
// store between any two calls sees that a run leaves the live ones only for history, and history only when it has expired
// and nothing of it is under way; and that none which has ended lives again.
import * as fc from "fast-check";
import { DEFAULT_TENANT, TerminalError, type RunId } from "@millrace/protocol";
import { expect, test } from "vitest";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { HistoryRow, Storage } from "../storage/storage.ts";
import {
  ACTOR,
  aCallStep,
  aChildStep,
  aWaitStep,
  NodeWorld,
  type Member,
} from "../testkit/node-world.ts";

const MINUTE_MS = 60_000;

type Happening =
  | { readonly what: "start"; readonly workflow: "parent" | "sleeper" | "broken" }
  | { readonly what: "cancel" | "retry"; readonly run: number }
  | { readonly what: "time"; readonly ms: number }
  /** From now on it is lost what couriers say of messages that have arrived: of all, of those of parents, of none. */
  | { readonly what: "deaf"; readonly to: Deafness }
  | { readonly what: "pass" | "death" };

type Deafness = "all" | "parents" | "none";

const HAPPENING: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("start" as const),
      workflow: fc.constantFrom("parent", "sleeper", "broken"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constantFrom("cancel", "retry"), run: fc.nat(20) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("time" as const),
      ms: fc.constantFrom(1, 500, 20_000, 61_000, 5 * MINUTE_MS),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom("pass", "death") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("deaf" as const),
      to: fc.constantFrom("all", "parents", "none"),
    }),
  },
);

/** What has been seen to end, and how. */
type Ended = Map<RunId, HistoryRow>;

/** The store, looked at before and after whatever changes runs. */
function watch(store: MemoryStorage, story: Pick<Story, "world" | "ended" | "isDeafTo">): Storage {
  const { runs, history, outbox } = store.tables;
  const { ended, world } = story;
  const checkLife = (before: ReadonlySet<RunId>): void => {
    for (const id of before) if (!runs.has(id)) expect(history.has(id)).toBe(true);
    for (const id of runs.keys()) expect(ended.has(id)).toBe(false);
    for (const { run } of history.values()) ended.set(run.id, run);
  };
  return {
    ...store,
    commit: async (lane, node, units) => {
      const before = new Set(runs.keys());
      const heard = units.filter(
        (unit) => unit.kind !== "sent" || !story.isDeafTo(unit.from.runId),
      );
      const outcomes = [...(await store.commit(lane, node, heard))];
      checkLife(before);
      return units.map(
        (unit) => (heard.includes(unit) ? outcomes.shift() : null) ?? { kind: "done" },
      );
    },
    reap: async (request) => {
      const [live, past, sent] = [runs.keys(), history.values(), outbox.values()];
      const reaped = await store.reap(request);
      expect(runs.keys()).toEqual(live);
      const gone = past.filter(({ run }) => !history.has(run.id));
      expect(gone).toHaveLength(reaped.pruned);
      for (const { run, expiresOn } of gone) {
        expect(expiresOn).toBeLessThanOrEqual(world.now());
        const underWay = sent.filter(
          ({ from, message: { to, content } }) =>
            from.runId === run.id || (to.runId === run.id && content.kind === "start"),
        );
        expect(underWay).toEqual([]);
      }
      return reaped;
    },
  };
}

interface Report {
  /** Live runs, messages, ended runs. */
  readonly left: readonly number[];
  readonly lost: readonly RunId[];
  /** That were not made to. A parent whose child was lost would not end, or would fail. */
  readonly failed: readonly HistoryRow[];
}

class Story implements AsyncDisposable {
  readonly world: NodeWorld = new NodeWorld();
  readonly ended: Ended = new Map();
  #deafness: Deafness = "none";
  readonly #storage: Storage = watch(this.world.store, this);
  readonly #runs: RunId[] = [];
  #members: Member[] = [];
  #workflows: Readonly<Record<"parent" | "sleeper" | "broken", string>> | undefined;

  async begin(): Promise<void> {
    this.#members = [await this.#open(), await this.#open()];
    const [member] = this.#members;
    if (member === undefined) throw new Error("no member");
    const install = (
      name: string,
      ...steps: Parameters<NodeWorld["install"]>[1]
    ): Promise<string> => this.world.install(member, steps, { name });
    const child = await install("Child", aCallStep("a"), aWaitStep("w", 2_000), aCallStep("a2"));
    this.#workflows = {
      parent: await install(
        "Parent",
        aChildStep("c", child),
        aWaitStep("w", 3 * MINUTE_MS),
        aChildStep("c2", child),
      ),
      sleeper: await install("Sleeper", aWaitStep("w", 10 * MINUTE_MS), aCallStep("a")),
      broken: await install("Broken", aCallStep("a"), aCallStep("broken")),
    };
  }

  #open(): Promise<Member> {
    const a = (): number => 1;
    const broken = (): never => {
      throw new TerminalError("broken");
    };
    return this.world.open({
      storage: this.#storage,
      functions: { a, a2: a, broken },
      retention: { completed: 0, failed: 0, cancelled: 0 },
    });
  }

  async happen(happening: Happening): Promise<void> {
    const [member, other] = this.#members;
    if (member === undefined || other === undefined || this.#workflows === undefined)
      throw new Error("not begun");
    const { world } = this;
    switch (happening.what) {
      case "start":
        this.#runs.push(await world.start(member, this.#workflows[happening.workflow]));
        return;
      case "cancel":
        for (const runId of this.#pick(happening.run)) await world.cancel(other, runId);
        return;
      case "retry":
        for (const runId of this.#pick(happening.run)) await this.#retry(other, runId);
        return;
      case "time":
        await world.clock.advance(happening.ms);
        return;
      case "pass":
        await this.#storage.reap({ auditMs: null });
        return;
      case "deaf":
        this.#deafness = happening.to;
        return;
      case "death":
        member.kill();
        this.#members = [other, await this.#open()];
    }
  }

  #pick(place: number): readonly RunId[] {
    const run = this.#runs[place % Math.max(1, this.#runs.length)];
    return run === undefined ? [] : [run];
  }

  async #retry({ node }: Member, runId: RunId): Promise<void> {
    const request = { tenant: DEFAULT_TENANT, runId, actor: ACTOR };
    const [outcome] = await this.world.clock.run(node.runs.retry([request]));
    if (outcome?.kind === "created") this.#runs.push(outcome.runId);
  }

  isDeafTo(runId: RunId): boolean {
    const { runs, history } = this.world.store.tables;
    const run = runs.get(runId) ?? history.get(runId)?.run;
    return this.#deafness === "all" || (this.#deafness === "parents" && run?.parent === null);
  }

  /** Long enough for all to end, and for all to be removed. */
  async end(): Promise<Report> {
    this.#deafness = "none";
    await this.world.clock.advance(120 * MINUTE_MS);
    const { runs, history, outbox } = this.world.store.tables;
    const failed = [...this.ended.values()].filter(({ status }) => status === "failed");
    return {
      left: [runs.size, outbox.size, history.size],
      lost: this.#runs.filter((id) => !this.ended.has(id)),
      failed: failed.filter(({ workflowId }) => workflowId !== this.#workflows?.broken),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}

test(
  "passes remove whatever has ended and expired, and nothing that lives or that somebody waits for (fault 32)",
  { timeout: 60_000 },
  async () => {
    const stories = fc.array(HAPPENING, { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(stories, async (happenings) => {
        await using story = new Story();
        await story.begin();
        for (const happening of happenings) await story.happen(happening);
        expect(await story.end()).toEqual({ left: [0, 0, 0], lost: [], failed: [] });
      }),
      { numRuns: 120 },
    );
  },
);
