import {
  asJsonText,
  DEFAULT_TENANT,
  newRunId,
  shardOf,
  toShard,
  toTimestamp,
  type JsonValue,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { begin, createPass } from "../core/drive.ts";
import type { RunHead } from "../core/run-head.ts";
import { createRunState } from "../core/state.ts";
import { graphPrograms, type GraphWorkflow } from "./graph-programs.ts";

function aHead(input: JsonValue): RunHead {
  const id = newRunId(toTimestamp(1), toShard(1), () => 1);
  return {
    id,
    shard: shardOf(id),
    tenant: DEFAULT_TENANT,
    workspace: null,
    user: null,
    name: null,
    // A brand only.
    workflowId: "wf_a" as never,
    workflowVersion: 1,
    trigger: "api",
    priority: 1,
    input: asJsonText(JSON.stringify(input)),
    metadata: asJsonText("{}"),
    parent: null,
    retryOf: null,
    depth: 0,
    caller: null,
    createdAt: toTimestamp(1),
    deadlineAt: null,
  };
}

function compile(definition: JsonValue): GraphWorkflow {
  const parsed = graphPrograms.parse(definition);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return graphPrograms.compile(parsed.definition);
}

describe("graphPrograms", () => {
  test("runs a workflow of conditions and transforms to its end at once", () => {
    const workflow = compile(
      JSON.parse(`{
        "name": "Ship",
        "steps": [
          { "id": "is-big", "type": "condition", "config": {
              "conditions": { "left": "{{input.total}}", "operator": "gte", "right": "1000" },
              "then": ["by-truck"], "else": ["by-mail"] } },
          { "id": "by-truck", "type": "transform", "config": { "mapping": { "via": "truck" } } },
          { "id": "by-mail", "type": "transform", "config": { "mapping": { "via": "mail" } } },
          { "id": "label", "type": "transform", "config": { "mapping": {
              "text": "To {{input.items.0.to}} by {{result.via}}", "total": "{{input.total}}" } } }
        ]
      }`) as JsonValue,
    );
    const run = createRunState(aHead({ total: 4317.84, items: [{ to: "Ada" }] }));
    const program = workflow.create(run.head);
    begin(run, program, toTimestamp(5), createPass());
    const output = '{"text":"To Ada by truck","total":4317.84}';
    expect(run.ended).toEqual({ status: "completed", output });
    expect(program.describe(run).map((step) => step.status)).toEqual([
      "completed",
      "completed",
      "skipped",
      "completed",
    ]);
  });

  test("runs ten thousand conditions, each inside the one before", () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => ({
      id: `s${i}`,
      type: "condition",
      config: JSON.parse(
        `{ "left": 1, "operator": "eq", "right": 1, "then": ${i < 9_999 ? `["s${i + 1}"]` : "[]"} }`,
      ) as JsonValue,
    }));
    const workflow = compile({ name: "deep", steps });
    const run = createRunState(aHead("x"));
    const program = workflow.create(run.head);
    begin(run, program, toTimestamp(5), createPass());
    expect(run.ended).toEqual({ status: "completed", output: '"x"' });
    expect(program.describe(run).every((step) => step.status === "completed")).toBe(true);
  });

  test("gives a run the deadline of its definition", () => {
    const steps = [{ id: "a", type: "function", function: "f" }];
    expect(compile({ name: "a", steps }).timeoutMs).toBeNull();
    expect(compile({ name: "a", steps, timeoutMs: 60_000 }).timeoutMs).toBe(60_000);
  });
});
