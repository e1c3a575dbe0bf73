import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { anEnd, anEventRequest, ScriptedHost } from "../../../engine/src/testkit/scripted-host.ts";
import { runCommandLine } from "./run-command-line.ts";

interface Spoken {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function speak(
  { app, key }: TestServer,
  cwd: string,
  ...args: readonly string[]
): Promise<Spoken> {
  const io = createTestIo({ app, cwd, env: { MILLRACE_KEY: key } });
  const code = await runCommandLine(args, io);
  return { code, out: io.outText(), err: io.errText() };
}

/** With a run that waits. */
async function openShop(): Promise<{ readonly server: TestServer; readonly runId: string }> {
  const server = await openTestServer();
  await ScriptedHost.attach(server.engine, {
    script: { begin: [anEventRequest("paid", "order.paid")], paid: [anEnd("thanks")] },
  });
  const { body } = await server.send("POST", "/api/v1/workflows/order/run");
  const { runId } = body.data;
  for (;;) {
    const { text } = await server.send("GET", "/api/v1/events/order.paid/waiters");
    if (text.includes(runId)) return { server, runId };
  }
}

async function outputOf({ send }: TestServer, runId: string): Promise<unknown> {
  const { body } = await send("GET", `/api/v1/runs/${runId}?wait=10`);
  return body.data.steps[0]?.output;
}

describe("millrace events", { timeout: 30_000 }, () => {
  test("publish says whom the event reached, and takes its data from a file", async () => {
    const { server, runId } = await openShop();
    await using _ = server;
    await using folder = await plantFolder({ "data.json": '{"sum":7}' });
    const publish = ["events", "publish", "order.paid", "--event-data", "@data.json", "--id", "e1"];
    const said = await speak(server, folder.path, ...publish);
    expect(said).toEqual({ code: 0, out: `e1 reached 1 run\n${runId}\n`, err: "" });
    expect(await outputOf(server, runId)).toEqual({ sum: 7 });
    const json = await speak(server, folder.path, ...publish, "--json");
    expect(JSON.parse(json.out)).toEqual({ id: "e1", runIds: [runId] });
    const nobody = await speak(server, folder.path, "events", "publish", "other");
    expect(nobody.out).toMatch(/^evt_\w+ reached nobody\n$/);
  });

  test("waiters lists steps that wait, or says that there are none", async () => {
    const { server, runId } = await openShop();
    await using _ = server;
    const said = await speak(server, "/", "events", "waiters", "order.paid");
    expect(said.out).toMatch(new RegExp(`run +step +since[^]*${runId} +paid +20`));
    const json = await speak(server, "/", "events", "waiters", "order.paid", "--json");
    expect(JSON.parse(json.out)).toMatchObject({ waiters: [{ runId, step: "paid", until: null }] });
    const none = await speak(server, "/", "events", "waiters", "other");
    expect(none).toEqual({ code: 0, out: "Nobody waits for it.\n", err: "" });
  });

  test("refuses data that is not JSON before it asks the server", async () => {
    await using server = await openTestServer();
    const said = await speak(server, "/", "events", "publish", "a", "--event-data", "{amount: 1}");
    expect(said).toMatchObject({ code: 2, out: "" });
    expect(said.err).toContain("--event-data is not JSON");
  });
});

describe("millrace runs signal", { timeout: 30_000 }, () => {
  test("sends a run what it waits for, and exits 1 when the run has ended", async () => {
    const { server, runId } = await openShop();
    await using _ = server;
    const signal = ["runs", "signal", runId, "order.paid", "--event-data", '{"by":"Ada"}'];
    const said = await speak(server, "/", ...signal);
    expect(said).toEqual({ code: 0, out: `${runId} has it\n`, err: "" });
    expect(await outputOf(server, runId)).toEqual({ by: "Ada" });
    const late = await speak(server, "/", ...signal);
    expect([late.code, late.err]).toEqual([1, "The run has ended already.\n"]);
  });
});
