import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  toTimestamp,
  type JsonValue,
  type Workflow,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { graphPrograms } from "../steps/graph-programs.ts";
import { aCallStep, ACTOR, aWaitStep, NodeWorld } from "../testkit/node-world.ts";
import {
  A_STEPS,
  aCreateRequest,
  aWorkflowBench,
  BENCH_START,
  codeOf,
  setStatus,
  type WorkflowBench,
} from "../testkit/workflow-bench.ts";
import type { SavedWorkflow, UpdateWorkflowRequest } from "./commands.ts";
import { Workflows } from "./workflows.ts";

const HOUR_MS = 3_600_000;
const ID = "wf_charge";

const aDefinition = (description: string): JsonValue => ({
  name: "Charge Card",
  description,
  steps: A_STEPS,
});

const anUpdate = (
  description: string,
  more: Partial<UpdateWorkflowRequest> = {},
): UpdateWorkflowRequest => ({
  tenant: DEFAULT_TENANT,
  workflow: ID,
  definition: aDefinition(description),
  actor: ACTOR,
  ...more,
});

const create = ({ editor }: WorkflowBench): Promise<SavedWorkflow> =>
  editor.create(aCreateRequest({ id: ID, definition: aDefinition("one") }));

async function createActive(bench: WorkflowBench): Promise<void> {
  await create(bench);
  await bench.editor.activate(DEFAULT_TENANT, ID, ACTOR);
}

const describeOf = (workflow: Workflow | null): unknown => [
  workflow?.version,
  workflow?.status,
  workflow?.definition.description,
];

async function summaries({ others: { workflows } }: WorkflowBench): Promise<unknown> {
  const head = await workflows.find(DEFAULT_TENANT, ID);
  const page = { before: null, limit: 10 };
  const versions = await workflows.listVersions(DEFAULT_TENANT, head, page);
  return versions.map(({ version, changeSummary, definition }) => [
    version,
    changeSummary,
    definition.description,
  ]);
}

describe("an edit of a draft", () => {
  test("replaces it, so that it stays version 1, and every node sees that", async () => {
    const bench = aWorkflowBench();
    await create(bench);
    expect(describeOf(await bench.others.workflows.get(DEFAULT_TENANT, ID))).toEqual([
      1,
      "draft",
      "one",
    ]);
    const { workflow } = await bench.editor.update(anUpdate("two", { changeSummary: "better" }));
    expect(describeOf(workflow)).toEqual([1, "draft", "two"]);
    for (const { workflows } of [bench, bench.others]) {
      expect(describeOf(await workflows.get(DEFAULT_TENANT, ID))).toEqual([1, "draft", "two"]);
    }
    expect(await summaries(bench)).toEqual([[1, "better", "two"]]);
  });

  test("is what runs start with, also on a node that had seen the draft before", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    const steps = [aWaitStep("w", 0)];
    const draft = { name: "n", steps, output: "one" };
    await here.node.createWorkflow(aCreateRequest({ id: ID, definition: draft }));
    await there.node.getWorkflow(DEFAULT_TENANT, ID);
    await there.node.listWorkflows(DEFAULT_TENANT, { after: null, limit: 10 });
    await there.node.getWorkflowVersion(DEFAULT_TENANT, ID, 1);
    await here.node.updateWorkflow(
      anUpdate("", { definition: { name: "n", steps, output: "two" } }),
    );
    await here.node.activateWorkflow(DEFAULT_TENANT, ID, ACTOR);
    for (const member of [there, here]) {
      const run = await world.ended(member, await world.start(member, ID));
      expect(run).toMatchObject({ output: "two", workflowVersion: 1 });
    }
  });
});

describe("an edit of an active workflow", () => {
  test("makes the next version, keeps the ones before, and leaves it active under its slug", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await bench.others.workflows.get(DEFAULT_TENANT, ID);
    const definition = { name: "Another Name", description: "two", steps: A_STEPS };
    const { workflow } = await bench.editor.update(
      anUpdate("", { definition, changeSummary: "renamed" }),
    );
    expect([describeOf(workflow), workflow.slug]).toEqual([[2, "active", "two"], "charge-card"]);
    for (const { workflows } of [bench, bench.others]) {
      const read = await workflows.get(DEFAULT_TENANT, "charge-card");
      expect([read?.id, describeOf(read)]).toEqual([ID, [2, "active", "two"]]);
      expect(await workflows.get(DEFAULT_TENANT, "another-name")).toBeNull();
    }
    expect(await summaries(bench)).toEqual([
      [2, "renamed", "two"],
      [1, null, "one"],
    ]);
  });

  test("makes no version of a definition that is there already, in whatever order its fields are", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    const before = bench.store.tables.audit.size;
    const again = { steps: A_STEPS, description: "one", name: "Charge Card" };
    const { workflow } = await bench.editor.update(
      anUpdate("", { definition: again, changeSummary: "nothing" }),
    );
    expect(describeOf(workflow)).toEqual([1, "active", "one"]);
    expect([await summaries(bench), bench.store.tables.audit.size]).toEqual([
      [[1, null, "one"]],
      before,
    ]);
  });

  test.each<[string, JsonValue, JsonValue]>([
    ["a list in another order", ["a", "b"], ["b", "a"]],
    ["a list that goes on", ["a"], ["a", "b"]],
    ["a field more", { a: 1 }, { a: 1, b: null }],
    ["a field of another name", { a: null }, { b: null }],
    ["an object for a list", {}, []],
    ["a text for a number", 1, "1"],
    ["nothing for something", null, {}],
  ])("takes for another definition: %s", async (_, one, other) => {
    const bench = aWorkflowBench();
    const definition = (metadata: JsonValue): JsonValue => ({
      name: "n",
      metadata: { is: metadata },
      steps: A_STEPS,
    });
    await bench.editor.create(aCreateRequest({ id: ID, definition: definition(one) }));
    await bench.editor.activate(DEFAULT_TENANT, ID, ACTOR);
    for (const [metadata, version] of [
      [other, 2],
      [one, 3],
      [one, 3],
    ] as const) {
      const update = anUpdate("", { definition: definition(metadata) });
      expect((await bench.editor.update(update)).workflow.version).toBe(version);
    }
  });

  test("leaves live runs on the version that they were started with", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { a: () => "a", b: () => "b" } });
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS), aCallStep("a")]);
    const old = await world.start(member, workflow);
    const definition = { name: "Test", steps: [aWaitStep("w", HOUR_MS), aCallStep("b")] };
    await member.node.updateWorkflow(anUpdate("", { workflow, definition }));
    const young = await world.start(member, workflow);
    member.kill();
    const heir = await world.open({ functions: { a: () => "a", b: () => "b" } });
    const ended = await Promise.all([old, young].map((id) => world.ended(heir, id, 10 * HOUR_MS)));
    expect(ended).toMatchObject([
      { workflowVersion: 1, output: "a" },
      { workflowVersion: 2, output: "b" },
    ]);
  });

  test("is what the next start uses on every node, whatever its cache says", async () => {
    await using world = new NodeWorld();
    const [here, there] = [await world.open(), await world.open()];
    const steps = [aWaitStep("w", 0)];
    const workflow = await world.install(here, steps, { output: "one" });
    await world.ended(there, await world.start(there, workflow));
    const definition = { name: "Test", steps, output: "two" };
    await here.node.updateWorkflow(anUpdate("", { workflow, definition }));
    const run = await world.ended(there, await world.start(there, workflow));
    expect(run).toMatchObject({ output: "two", workflowVersion: 2 });
  });

  test("is refused if somebody else comes at the same moment, and one of them is whole", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    const codes = await Promise.all([
      codeOf(bench.editor.update(anUpdate("two"))),
      codeOf(bench.others.editor.update(anUpdate("three"))),
    ]);
    expect(codes.toSorted()).toEqual(["none", "workflow.changed"]);
    expect(await summaries(bench)).toHaveLength(2);
  });

  test("is refused if the workflow has another version than its author thinks", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await bench.editor.update(anUpdate("two", { expectedVersion: 1 }));
    const late = bench.others.editor.update(anUpdate("three", { expectedVersion: 1 }));
    await expect(late).rejects.toMatchObject({
      code: "workflow.changed",
      message: expect.stringContaining("has version 2, not 1") as string,
    });
    expect(await summaries(bench)).toHaveLength(2);
  });

  test("that is wrong changes nothing", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    const before = bench.store.tables.catalog.size;
    const wrong: readonly (readonly [string, Partial<UpdateWorkflowRequest>])[] = [
      ["definition.invalid", { definition: { name: "n", steps: [] } }],
      ["workflow.not-found", { workflow: "nobody" }],
      ["request.invalid", { changeSummary: "x".repeat(1_001) }],
      ["request.invalid", { changeSummary: "\ud800" }],
    ];
    for (const [code, more] of wrong) {
      expect(await codeOf(bench.editor.update(anUpdate("two", more)))).toBe(code);
    }
    expect(bench.store.tables.catalog.size).toBe(before);
    expect(
      await codeOf(bench.editor.update(anUpdate("two", { changeSummary: "x".repeat(1_000) }))),
    ).toBe("none");
  });

  test("is refused once the workflow is archived, and so is activating it again", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await setStatus(bench.store, ID, "archived");
    expect(await codeOf(bench.editor.update(anUpdate("two")))).toBe("workflow.archived");
    expect(await codeOf(bench.editor.activate(DEFAULT_TENANT, ID, ACTOR))).toBe(
      "workflow.archived",
    );
  });

  test("makes a new version of a paused workflow too, which stays paused", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await setStatus(bench.store, ID, "paused");
    const { workflow } = await bench.editor.update(anUpdate("two"));
    expect(describeOf(workflow)).toEqual([2, "paused", "two"]);
  });

  test("leaves a row in the audit log, in the name of who asked", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await bench.editor.update(anUpdate("two"));
    const about = { tenant: DEFAULT_TENANT, workflow: ID, actor: ACTOR };
    await bench.editor.restore({ ...about, version: 1 });
    const rows = bench.store.tables.audit.values().map(({ action, key }) => [action, key]);
    expect(rows.slice(-2)).toEqual([
      ["workflow.update", ACTOR.key],
      ["workflow.restore", ACTOR.key],
    ]);
  });
});

describe("restoring a version", () => {
  const restore = (
    { editor }: WorkflowBench,
    version: number,
    more: Partial<UpdateWorkflowRequest> = {},
  ): Promise<SavedWorkflow> =>
    editor.restore({ tenant: DEFAULT_TENANT, workflow: ID, actor: ACTOR, ...more, version });

  test("makes a new one with its definition, and says so in the summary", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await bench.editor.update(anUpdate("two"));
    const { workflow } = await restore(bench, 1);
    expect(describeOf(workflow)).toEqual([3, "active", "one"]);
    await restore(bench, 2, { changeSummary: "forth again" });
    expect(await summaries(bench)).toEqual([
      [4, "forth again", "two"],
      [3, "Restored version 1", "one"],
      [2, null, "two"],
      [1, null, "one"],
    ]);
  });

  test("changes nothing if it is the one that is there", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await bench.editor.update(anUpdate("two"));
    expect((await restore(bench, 2)).workflow.version).toBe(2);
  });

  test.each([0, 3, -1, 1.5, Number.NaN])(
    "is refused for %d, which there is not",
    async (version) => {
      const bench = aWorkflowBench();
      await createActive(bench);
      await bench.editor.update(anUpdate("two"));
      expect(await codeOf(restore(bench, version))).toBe("version.not-found");
    },
  );

  test("is refused if the workflow has another version than its author thinks", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    await bench.editor.update(anUpdate("two"));
    expect(await codeOf(restore(bench, 1, { expectedVersion: 1 }))).toBe("workflow.changed");
  });
});

describe("the versions of a workflow", () => {
  test("are listed newest first, page by page, in the order of numbers", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    for (let n = 2; n <= 12; n++) await bench.editor.update(anUpdate(`number ${n}`));
    const { workflows } = bench.others;
    const head = await workflows.find(DEFAULT_TENANT, ID);
    const page = async (before: number | null): Promise<readonly number[]> => {
      const found = await workflows.listVersions(DEFAULT_TENANT, head, { before, limit: 5 });
      return found.map(({ version }) => version);
    };
    expect(await page(null)).toEqual([12, 11, 10, 9, 8]);
    expect(await page(8)).toEqual([7, 6, 5, 4, 3]);
    expect(await page(3)).toEqual([2, 1]);
    expect(await page(1)).toEqual([]);
    expect(await page(1_000)).toEqual([12, 11, 10, 9, 8]);
  });

  test("say when they were made", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    bench.clock.now = toTimestamp(BENCH_START + 1_000);
    await bench.editor.update(anUpdate("two"));
    const { workflows } = bench.others;
    const head = await workflows.find(DEFAULT_TENANT, ID);
    const times = await Promise.all(
      [1, 2].map((n) => workflows.getVersion(DEFAULT_TENANT, head, n)),
    );
    expect(times.map((version) => version?.createdAt)).toEqual([BENCH_START, BENCH_START + 1_000]);
  });

  test("of an older release, which kept the definition alone, can be read", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    const record = await bench.store.catalog.get(DEFAULT_TENANT, "workflow-version", `${ID}#1`);
    if (record === null) throw new Error("no version");
    const body = asJsonText(JSON.stringify(aDefinition("old")));
    await bench.store.catalog.put([{ ...record, expectedRevision: record.revision, body }], null);
    expect(await summaries(bench)).toEqual([[1, null, "old"]]);
    await bench.others.editor.update(anUpdate("old"));
    expect(await summaries(bench)).toEqual([[1, null, "old"]]);
  });

  test("as deep as a definition may be can be kept and read again", async () => {
    const bench = aWorkflowBench();
    let metadata: JsonValue = [];
    for (let depth = 3; depth < 256; depth++) metadata = [metadata];
    const definition = { name: "deep", steps: A_STEPS, metadata: { in: metadata } };
    await bench.editor.create(aCreateRequest({ id: ID, definition }));
    expect((await bench.others.workflows.get(DEFAULT_TENANT, ID))?.definition.name).toBe("deep");
  });

  test("are forgotten by the cache after a thousand of them, and read again", async () => {
    const bench = aWorkflowBench();
    await createActive(bench);
    const workflows = new Workflows({ catalog: bench.store.catalog, kind: graphPrograms });
    const head = await workflows.find(DEFAULT_TENANT, ID);
    await workflows.version(DEFAULT_TENANT, head.id, 1);
    const [first] = await bench.store.catalog.list(DEFAULT_TENANT, "workflow-version", null, 1);
    if (first === undefined) throw new Error("no version");
    for (let n = 2; n <= 1_001; n++) {
      const id = `${ID}#${n}`;
      await bench.store.catalog.put([{ ...first, id, expectedRevision: null }], null);
      await workflows.version(DEFAULT_TENANT, head.id, n);
    }
    expect(workflows.loadedVersion(DEFAULT_TENANT, head.id, 1)).toBeUndefined();
    expect(workflows.loadedVersion(DEFAULT_TENANT, head.id, 1_001)).toBeDefined();
    expect(await workflows.version(DEFAULT_TENANT, head.id, 1)).not.toBeNull();
  });
});

describe("validating a definition", () => {
  test("says what creating it would say, and stores nothing", async () => {
    const bench = aWorkflowBench();
    const { editor, store } = bench;
    const bad = { steps: [{ id: "a", type: "nonsense" }, { type: "wait" }] };
    const { errors } = await editor.validate(DEFAULT_TENANT, bad);
    const thrown = await editor
      .create(aCreateRequest({ definition: bad }))
      .catch((error: unknown) => error);
    expect(MillraceError.is(thrown) && thrown.issues).toEqual(errors);
    const good = { name: "n", steps: [{ id: "a", type: "function", function: "unknown" }] };
    const checked = await editor.validate(DEFAULT_TENANT, good);
    expect(checked.errors).toEqual([]);
    expect(store.tables.catalog.size).toBe(0);
    const { warnings } = await editor.create(aCreateRequest({ definition: good }));
    expect(checked.warnings).toEqual(warnings);
    expect(warnings).toMatchObject([{ path: ["steps", 0, "function"] }]);
  });
});
