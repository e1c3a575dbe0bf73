import { after, asJsonText, DEFAULT_TENANT, type RunId, type WorkflowId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { RunFilter } from "../run-filter.ts";
import type { HistoryRow, RunHead, RunPage } from "../storage.ts";
import { aHistory, aRun, aRunUnit, aStart, T0 } from "./builders.ts";
import { OTHER_TENANT, type Harness, type OpenStorage } from "./harness.ts";

const tenant = DEFAULT_TENANT;
/** Not by assignment: a key `__proto__` is a key like any other. */
const PROTO: RunFilter = { metadata: Object.fromEntries([["__proto__", "1"]]) };
const ORDERS = "wf_orders" as WorkflowId;

/** All pages, however short the store makes them. */
async function listed(h: Harness, filter: RunFilter, limit = 100): Promise<readonly RunId[]> {
  const ids: RunId[] = [];
  for (let before: RunId | null = null; ;) {
    const page: RunPage = await h.storage.read({ kind: "runs", tenant, before, limit, filter });
    ids.push(...page.runs.map(({ id }) => id));
    before = page.next ?? (page.runs.length === limit ? (page.runs.at(-1)?.id ?? null) : null);
    if (before === null) return ids;
  }
}

async function end(h: Harness, run: RunHead, status: HistoryRow["status"]): Promise<void> {
  const [held] = await h.seedHeld([run]);
  if (held === undefined) throw new Error("it is held");
  const history = aHistory(held, { status, result: null });
  await h.commit(
    aRunUnit(held, { next: { kind: "finish", history, journal: [], expiresOn: null } }),
  );
}

export function listSuite(open: OpenStorage): void {
  describe("list of runs", () => {
    test.each([
      ["pending", ["pending"]],
      ["running", ["running"]],
      ["completed", ["completed"]],
      ["failed", ["failed"]],
      ["failed or cancelled", ["failed", "cancelled"]],
      ["running, completed or cancelled", ["running", "completed", "cancelled"]],
    ] as const)("holds those that are %s", async (_, statuses) => {
      await using h = await open();
      for (const workflowId of [ORDERS, aRun().workflowId]) {
        const at = (n: number): RunHead => aRun({ createdAt: after(T0, n), workflowId });
        const runs = [at(1), at(2), at(3), at(4), at(5)] as const;
        await h.commit(aStart(runs[0]));
        await h.seedHeld([runs[1]]);
        await end(h, runs[2], "completed");
        await end(h, runs[3], "failed");
        await end(h, runs[4], "cancelled");
        const all = ["pending", "running", "completed", "failed", "cancelled"] as const;
        const wanted = runs.filter((__, i) => statuses.some((status) => status === all[i]));
        const expected = wanted.map(({ id }) => id).toReversed();
        expect(await listed(h, { statuses, workflow: workflowId })).toEqual(expected);
        expect(await listed(h, { statuses, workflow: workflowId }, 1)).toEqual(expected);
      }
      expect(await listed(h, { statuses })).toHaveLength(statuses.length * 2);
    });

    test("holds those whose id begins so, alone and with an end and a time", async () => {
      await using h = await open();
      const runs = [1, 2, 3, 4].map((n) => aRun({ createdAt: after(T0, n * 100_000) }));
      await h.commit(...runs.map((run) => aStart(run)));
      await end(h, aRun({ createdAt: after(T0, 200_001) }), "failed");
      for (const { id, createdAt } of runs) {
        expect(await listed(h, { idStartsWith: id })).toEqual([id]);
        expect(await listed(h, { idStartsWith: id, createdAfter: createdAt })).toEqual([]);
        expect(await listed(h, { idStartsWith: id, createdBefore: createdAt })).toEqual([]);
      }
      expect(await listed(h, { idStartsWith: "run_" })).toHaveLength(5);
      expect(await listed(h, { idStartsWith: "run_" }, 2)).toHaveLength(5);
      expect(await listed(h, { idStartsWith: "x" })).toEqual([]);
    });

    test.each([
      ["workflow", { workflowId: ORDERS }, { workflow: ORDERS }],
      ["trigger", { trigger: "manual" }, { trigger: "manual" }],
      ["workspace", { workspace: "north" }, { workspace: "north" }],
      ["user", { user: "ada" }, { user: "ada" }],
      [
        "metadata",
        { metadata: asJsonText('{"a \\"b":"1","c":"2","d":"1"}') },
        { metadata: { 'a "b': "1", c: "2" } },
      ],
      ["metadata named as no column", { metadata: asJsonText('{"__proto__":"1"}') }, PROTO],
    ] as const)("holds those of one %s, live and finished", async (_, head, filter) => {
      await using h = await open();
      const live = aRun({ ...head, createdAt: after(T0, 1) });
      const finished = aRun({ ...head, createdAt: after(T0, 2) });
      const others = [aRun(), aRun({ metadata: asJsonText('{"a \\"b":"1","c":"1"}') })];
      await h.commit(aStart(live), ...others.map((run) => aStart(run)));
      await h.commit(aStart(aRun({ ...head, tenant: OTHER_TENANT })));
      await end(h, finished, "failed");
      await end(h, aRun(), "failed");
      expect(await listed(h, filter)).toEqual([finished.id, live.id]);
      expect(await listed(h, { ...filter, statuses: ["failed"] })).toEqual([finished.id]);
      expect(await listed(h, filter, 1)).toEqual([finished.id, live.id]);
    });

    test("holds those created after one moment and before another", async () => {
      await using h = await open();
      const runs = [0, 1, 2, 3, 4].map((n) => aRun({ createdAt: after(T0, n) }));
      await h.commit(...runs.map((run) => aStart(run)));
      const ids = runs.map(({ id }) => id).toReversed();
      const [after1, before4] = [{ createdAfter: after(T0, 1) }, { createdBefore: after(T0, 4) }];
      expect(await listed(h, after1)).toEqual(ids.slice(0, 3));
      expect(await listed(h, before4)).toEqual(ids.slice(1));
      expect(await listed(h, { ...after1, ...before4 }, 1)).toEqual(ids.slice(1, 3));
    });
  });
}
