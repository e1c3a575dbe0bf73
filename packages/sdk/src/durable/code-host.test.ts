import { DEFAULT_TENANT, type FunctionTask, type HostReport, type RunId } from "@millrace/protocol";
import { asJsonText } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { CodeHost } from "./code-host.ts";
import { aFieldSchema, aSchema } from "./testkit/a-schema.ts";
import { ScriptedOwner } from "./testkit/scripted-owner.ts";
import { workflow } from "./workflow.ts";

const empty = workflow("empty", {}, () => null);

const aFunctionTask = (more: Partial<FunctionTask> = {}): FunctionTask => ({
  tenant: DEFAULT_TENANT,
  runId: "run_1" as RunId,
  step: "price",
  attempt: 2,
  target: "price",
  input: asJsonText('{"n":2}'),
  runInput: asJsonText("7"),
  ...more,
});

/** One report of a call. */
function hostWith(functions: ConstructorParameters<typeof CodeHost>[0]["functions"]): {
  readonly host: CodeHost;
  readonly reported: Promise<HostReport | undefined>;
} {
  const { promise, resolve } = Promise.withResolvers<HostReport | undefined>();
  const report = ([first]: readonly HostReport[]): void => resolve(first);
  return {
    host: new CodeHost({ workflows: [], functions: functions ?? {}, report }),
    reported: promise,
  };
}

describe("CodeHost", () => {
  test("offers its workflows, with JSON Schema where the author's can say it", () => {
    const order = workflow(
      "order",
      {
        input: aFieldSchema<{ id: string }>("id", "string"),
        output: aSchema<{ at: Date }>(
          () => ({ value: { at: new Date(0) } }),
          () => {
            throw new Error("JSON Schema has no dates");
          },
        ),
        version: "2",
        timeout: "3 days",
        retention: "1h",
        description: "Sells",
      },
      () => ({ at: new Date(0) }),
    );
    const host = new CodeHost({ workflows: [order, empty], report: () => undefined });
    expect(host.offers()).toMatchObject([
      {
        name: "order",
        version: "2",
        description: "Sells",
        inputSchema: { type: "object", properties: { id: { type: "string" } } },
        outputSchema: null,
        timeoutMs: 259_200_000,
        retentionMs: 3_600_000,
      },
      { name: "empty", version: "1", inputSchema: null, timeoutMs: null },
    ]);
  });

  test("takes several versions of a workflow, but each once", () => {
    const second = workflow("empty", { version: "2" }, () => null);
    const report = (): void => undefined;
    expect(new CodeHost({ workflows: [empty, second], report }).offers()).toHaveLength(2);
    expect(() => new CodeHost({ workflows: [empty, empty], report })).toThrow(
      "Two workflows are named empty and have version 1",
    );
  });

  test("says that it does not have a workflow of that version", async () => {
    const owner = await ScriptedOwner.start(empty, { task: { version: "9" } });
    expect(owner.diverged).toEqual({
      step: null,
      message: "This host has no workflow empty of version 9",
    });
  });

  test("counts its sessions and is idle when the last one is closed", async () => {
    const owner = await ScriptedOwner.start(empty);
    expect(owner.host.sessions).toBe(1);
    const idle = owner.host.idle();
    owner.host.handle([{ type: "close", session: "s1", reason: "The run has ended" }]);
    await idle;
    expect(owner.host.sessions).toBe(0);
    await owner.host.idle();
  });

  test("reports what is asked at once as one report", async () => {
    const three = workflow("three", {}, (ctx) =>
      Promise.all(["a", "b", "c"].map((name) => ctx.run(name, () => name))),
    );
    const owner = await ScriptedOwner.start(three);
    expect(owner.reports.map(({ type }) => type)).toEqual(["asked", "idle"]);
  });

  test("reports nothing of a session that is closed, and tells its bodies", async () => {
    let isAborted = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const busy = workflow("busy", {}, (ctx) =>
      ctx.run("work", async ({ signal }) => {
        await promise;
        isAborted = signal.aborted;
      }),
    );
    const owner = await ScriptedOwner.start(busy);
    owner.host.handle([
      { type: "attempt", session: "s1", key: "work", attempt: 1 },
      { type: "close", session: "s1", reason: "The run is elsewhere" },
    ]);
    resolve();
    const before = owner.reports.length;
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(owner.reports).toHaveLength(before);
    expect(isAborted).toBe(true);
  });

  test("runs a registered function with its context", async () => {
    const { host, reported } = hostWith({
      price: (
        input: { n: number },
        { step, attempt, idempotencyKey, input: runInput, signal },
      ) => ({
        twice: input.n * 2,
        seen: [step, attempt, idempotencyKey, runInput, signal.aborted],
      }),
    });
    host.handle([{ type: "call", call: "c1", task: aFunctionTask() }]);
    const output = '{"twice":4,"seen":["price",2,"run_1/price",7,false]}';
    expect(await reported).toEqual({ type: "called", call: "c1", result: { ok: true, output } });
    await host.idle();
  });

  test("fails a call of a function that it does not have", async () => {
    const { host, reported } = hostWith({});
    host.handle([{ type: "call", call: "c1", task: aFunctionTask({ target: "toString" }) }]);
    expect(await reported).toMatchObject({
      result: { ok: false, terminal: true, failure: { code: "function.not-found", step: "price" } },
    });
  });

  test("tells a function to stop", async () => {
    const { host, reported } = hostWith({
      price: (_input: unknown, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        ),
    });
    host.handle([
      { type: "call", call: "c1", task: aFunctionTask() },
      { type: "abort-call", call: "c1", reason: "too slow" },
    ]);
    expect(await reported).toMatchObject({ result: { failure: { message: "too slow" } } });
  });
});
