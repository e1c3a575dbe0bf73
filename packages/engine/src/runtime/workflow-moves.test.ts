import { DEFAULT_TENANT, MillraceError, WORKFLOW_STATUSES } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { ACTOR, NodeWorld } from "../testkit/node-world.ts";
import { aCreateRequest, aWorkflowBench, codeOf, setStatus } from "../testkit/workflow-bench.ts";
import { moveStatus, WORKFLOW_MOVES, type WorkflowMove } from "./workflow-moves.ts";

function outcomeOf(...args: Parameters<typeof moveStatus>): string {
  try {
    return moveStatus(...args);
  } catch (error) {
    if (MillraceError.is(error)) return error.code;
    throw error;
  }
}

describe("moveStatus", () => {
  // Rows: from; columns: activate, pause, resume, archive.
  test.each([
    ["draft", ["active", "workflow.wrong-status", "workflow.wrong-status", "archived"]],
    ["active", ["active", "paused", "active", "archived"]],
    ["paused", ["active", "paused", "active", "archived"]],
    ["archived", ["workflow.archived", "workflow.archived", "workflow.archived", "archived"]],
  ] as const)("knows where each move leads from %s", (from, ends) => {
    expect(WORKFLOW_MOVES.map((move) => outcomeOf("wf_x", from, move))).toEqual(ends);
  });

  test("has a row for each status", () => {
    expect(WORKFLOW_STATUSES).toHaveLength(4);
  });
});

describe("WorkflowEditor.move", () => {
  const request = (move: WorkflowMove, workflow = "wf_x") =>
    ({ tenant: DEFAULT_TENANT, workflow, move, actor: ACTOR }) as const;

  test("pauses, resumes and archives, with an audit row for each change", async () => {
    const { editor, store } = aWorkflowBench();
    await editor.create(aCreateRequest({ id: "wf_x" }));
    const statuses: string[] = [];
    for (const move of ["activate", "pause", "pause", "resume", "archive", "archive"] as const) {
      statuses.push((await editor.move(request(move, "charge-card"))).status);
    }
    expect(statuses).toEqual(["active", "paused", "paused", "active", "archived", "archived"]);
    const audit = [...store.tables.audit.values()];
    expect(audit.map(({ action }) => action)).toEqual([
      "workflow.create",
      "workflow.activate",
      "workflow.pause",
      "workflow.resume",
      "workflow.archive",
    ]);
  });

  test("keeps the version and the slug, which stays taken when the workflow is archived", async () => {
    const { editor, workflows } = aWorkflowBench();
    const { workflow } = await editor.create(aCreateRequest({ id: "wf_x" }));
    const archived = await editor.move(request("archive"));
    expect(archived).toEqual({ ...workflow, status: "archived", updatedAt: archived.updatedAt });
    expect((await workflows.get(DEFAULT_TENANT, "charge-card"))?.id).toBe("wf_x");
    const second = await editor.create(aCreateRequest());
    expect(second.workflow.slug).toBe("charge-card-2");
  });

  test("lets nobody edit or restore what is archived", async () => {
    const { editor } = aWorkflowBench();
    await editor.create(aCreateRequest({ id: "wf_x" }));
    await editor.move(request("archive"));
    const about = { tenant: DEFAULT_TENANT, workflow: "wf_x", actor: ACTOR };
    const { definition } = aCreateRequest();
    expect(await codeOf(editor.update({ ...about, definition }))).toBe("workflow.archived");
    expect(await codeOf(editor.restore({ ...about, version: 1 }))).toBe("workflow.archived");
  });

  test("is refused when somebody else changed the workflow at the same moment", async () => {
    const { editor, store } = aWorkflowBench();
    await editor.create(aCreateRequest({ id: "wf_x" }));
    const [outcome] = await Promise.all([
      codeOf(editor.move(request("archive"))),
      setStatus(store, "wf_x", "active"),
    ]);
    expect(outcome).toBe("workflow.changed");
  });

  test("lets live runs of an archived workflow go on to their end", async () => {
    await using world = new NodeWorld();
    const gate = Promise.withResolvers<string>();
    const member = await world.open({ functions: { a: () => gate.promise } });
    const id = await world.install(member, [{ id: "a", type: "function", function: "a" }]);
    const runId = await world.start(member, id);
    await member.node.moveWorkflow(request("archive", id));
    gate.resolve("done");
    const run = await member.node.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 30_000 });
    expect(run).toMatchObject({ status: "completed", output: "done" });
  });

  test.each(["draft", "paused", "archived"] as const)(
    "lets nobody run what is %s, and says so",
    async (status) => {
      await using world = new NodeWorld();
      const member = await world.open();
      await member.node.createWorkflow(aCreateRequest({ id: "wf_x" }));
      if (status === "paused") await member.node.moveWorkflow(request("activate"));
      if (status === "paused") await member.node.moveWorkflow(request("pause"));
      if (status === "archived") await member.node.moveWorkflow(request("archive"));
      expect(await world.tryStart(member, "wf_x")).toMatchObject({
        kind: "rejected",
        error: {
          code: "workflow.not-active",
          message: `Workflow must be active to run. Current status: ${status}`,
        },
      });
    },
  );
});
