import { TerminalError } from "@millrace/protocol";
import type { App } from "millrace";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { createTestIo, type TestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";
import { parseSince } from "./since.ts";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function call(io: TestIo, args: readonly string[]): Promise<Ended> {
  const code = await runCommandLine(["runs", ...args], io);
  return { code, out: io.outText(), err: io.errText() };
}

const speak = (
  { app, key }: Pick<TestServer, "app" | "key">,
  ...args: readonly string[]
): Promise<Ended> => call(createTestIo({ app, env: { MILLRACE_KEY: key } }), args);

interface World extends AsyncDisposable {
  readonly server: TestServer;
  /** Starts a run that stays in its step until `open` is called. @returns its id */
  startWaiting(): Promise<string>;
  /** @returns the id of a run that has failed */
  fail(): Promise<string>;
  /** Lets what waits go on, and what comes later pass. */
  readonly open: () => void;
  mend(): void;
}

async function openWorld(): Promise<World> {
  const gate = Promise.withResolvers<string>();
  let isMended = false;
  const server = await openTestServer({
    functions: {
      pass: () => gate.promise,
      break: () => {
        if (!isMended) throw new TerminalError("It is broken");
        return "whole";
      },
    },
  });
  const toSteps = (name: string): object => ({
    steps: [{ id: "only", type: "function", function: name }],
  });
  await server.install({ id: "wf_wait", name: "Wait", ...toSteps("pass") });
  await server.install({ id: "wf_break", name: "Break", ...toSteps("break") });
  const start = async (path: string): Promise<string> =>
    (await server.send("POST", `/api/v1/workflows/${path}`)).body.data.runId;
  return {
    server,
    startWaiting: () => start("wf_wait/run"),
    fail: () => start("wf_break/run?wait=30"),
    open: () => gate.resolve("opened"),
    mend: () => {
      isMended = true;
    },
    [Symbol.asyncDispose]: async () => {
      gate.resolve("over");
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The same server, which notes what it is asked. `answer`: null lets the server do it. */
function spyOn(
  { app, key }: TestServer,
  answer: (path: string) => Response | null = () => null,
): { readonly app: App; readonly key: string; readonly paths: string[] } {
  const paths: string[] = [];
  const fetch: App["fetch"] = (request) => {
    const { pathname, search } = new URL(request.url);
    paths.push(pathname + search);
    const own = answer(pathname);
    return own === null ? app.fetch(request) : Promise.resolve(own);
  };
  return { app: { ...app, fetch }, key, paths };
}

describe("millrace runs list", { timeout: 30_000 }, () => {
  test("shows only those of a workflow, of a status, since a time", async () => {
    await using world = await openWorld();
    const [waiting, failed] = [await world.startWaiting(), await world.fail()];
    const idsOf = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await speak(world.server, "list", ...args)).out.match(/run_[0-9A-Z]{26}/g) ?? [];
    // By id, which is by time; two of one millisecond stand in either order.
    const both = [failed, waiting].toSorted().toReversed();
    expect(await idsOf()).toEqual(both);
    expect(await idsOf("--workflow", "wait")).toEqual([waiting]);
    expect(await idsOf("--status", "failed,cancelled")).toEqual([failed]);
    expect(await idsOf("--since", "1h")).toEqual(both);
    expect(await idsOf("--since", "2100-01-01")).toEqual([]);
    expect((await speak(world.server, "list", "--status", "cancelled")).out).toBe(
      "No such runs.\n",
    );
  });

  test("says that a page without runs is not the last one", async () => {
    await using world = await openWorld();
    const { app, key } = spyOn(world.server, () =>
      Response.json({ success: true, data: [], meta: { cursor: "run_x", hasMore: true } }),
    );
    const { out } = await speak({ app, key }, "list", "--status", "failed");
    expect(out).toBe("None so far.\n\nMore: the same with --cursor run_x\n");
  });
});

describe("--since", () => {
  const NOW_MS = Date.UTC(2026, 10, 20, 12);

  test.for([
    ["90s", "2026-11-20T11:58:30.000Z"],
    ["30m", "2026-11-20T11:30:00.000Z"],
    ["12h", "2026-11-20T00:00:00.000Z"],
    ["7d", "2026-11-13T12:00:00.000Z"],
    ["2026-11-20", "2026-11-20T00:00:00.000Z"],
    ["2026-11-20T07:00:00+01:00", "2026-11-20T06:00:00.000Z"],
  ] as const)("%s is %s", ([text, expected]) => {
    expect(parseSince(text, NOW_MS)).toBe(expected);
  });

  test.for([["now"], ["5"], ["-1h"], ["2026-13-01"], [""]] as const)("%j is no time", ([text]) => {
    expect(() => parseSince(text, NOW_MS)).toThrow(/--since must be like 30m/);
  });
});

describe("millrace runs cancel", { timeout: 30_000 }, () => {
  test("cancels those that are named, and says which there are not", async () => {
    await using world = await openWorld();
    const [waiting, failed] = [await world.startWaiting(), await world.fail()];
    const good = await speak(world.server, "cancel", waiting, failed, "--reason", "wrong order");
    expect(good).toEqual({ code: 0, out: "1 will be cancelled, 1 had ended\n", err: "" });
    const { body } = await world.server.send("GET", `/api/v1/runs/${waiting}?wait=30`);
    expect(body.data.status).toBe("cancelled");
    const bad = await speak(world.server, "cancel", "run_nope");
    expect([bad.code, bad.err]).toEqual([1, "run_nope: Run not found\n"]);
  });

  test("cancels all of a workflow, or all", async () => {
    await using world = await openWorld();
    await world.startWaiting();
    await world.startWaiting();
    const other = await speak(world.server, "cancel", "--workflow", "break");
    expect(other.out).toBe("0 will be cancelled\n");
    const all = await speak(world.server, "cancel", "--all", "--json");
    expect(JSON.parse(all.out)).toMatchObject({ meta: { requested: 2, isComplete: true } });
  });

  test.for([[[]], [["run_x", "--all"]], [["--all", "--workflow", "wait"]]] as const)(
    "wants to know which: %j",
    async ([args]) => {
      await using world = await openWorld();
      const { code, err } = await speak(world.server, "cancel", ...args);
      expect([code, err]).toEqual([
        2,
        "Name ids of runs, or --workflow <workflow>, or --all: one of them.\n",
      ]);
    },
  );
});

describe("millrace runs retry", { timeout: 30_000 }, () => {
  test("starts anew from the step that failed, and follows it where asked to", async () => {
    await using world = await openWorld();
    const failed = await world.fail();
    world.mend();
    const told = await speak(world.server, "retry", failed);
    expect(told.out).toMatch(new RegExp(`^run_\\S+ goes on from where ${failed} stopped\n`));
    const waited = await speak(world.server, "retry", failed, "--wait");
    expect(waited.code).toBe(0);
    expect(waited.out).toContain(`output "whole"`);
  });

  test("exits 1 for a run that did not fail", async () => {
    await using world = await openWorld();
    const { code, err } = await speak(world.server, "retry", await world.startWaiting());
    expect(code).toBe(1);
    expect(err).not.toBe("");
  });
});

describe("millrace runs watch", { timeout: 30_000 }, () => {
  test("follows the server's events, and need not ask again and again", async () => {
    await using world = await openWorld();
    const id = await world.startWaiting();
    const spied = spyOn(world.server);
    const io = createTestIo({ app: spied.app, env: { MILLRACE_KEY: spied.key } });
    const ended = call(io, ["watch", id]);
    await io.untilOut("only running");
    world.open();
    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(out).toContain(`✔ ${id} completed`);
    expect(spied.paths).toContain(`/api/v1/runs/${id}/events`);
    expect(spied.paths.filter((path) => path.includes("wait="))).toEqual([]);
  });

  test.for([
    ["has no events", () => Response.json({ success: false, error: {} }, { status: 404 })],
    [
      "has no room for more streams",
      () => Response.json({ success: false, error: {} }, { status: 503 }),
    ],
    ["sends a page instead", () => new Response("<html>", { status: 502 })],
    ["breaks off", () => new Response("", { headers: { "content-type": "text/event-stream" } })],
  ] as const)("asks for the run where the server %s", async ([, answer]) => {
    await using world = await openWorld();
    const id = await world.startWaiting();
    const spied = spyOn(world.server, (path) => (path.endsWith("/events") ? answer() : null));
    const io = createTestIo({ app: spied.app, env: { MILLRACE_KEY: spied.key } });
    const ended = call(io, ["watch", id]);
    await io.untilOut("running");
    world.open();
    expect((await ended).code).toBe(0);
    expect(spied.paths.some((path) => path.endsWith("?wait=1"))).toBe(true);
  });

  test("hangs up when the run has ended", async () => {
    await using world = await openWorld();
    const id = await world.startWaiting();
    const hungUp = Promise.withResolvers<void>();
    const endless = new ReadableStream<Uint8Array>({
      start: async (stream) => {
        world.open();
        await world.server.send("GET", `/api/v1/runs/${id}?wait=30`);
        stream.enqueue(new TextEncoder().encode("event: run\ndata: {}\n\n"));
      },
      cancel: () => hungUp.resolve(),
    });
    const headers = { "content-type": "text/event-stream" };
    const spied = spyOn(world.server, (path) =>
      path.endsWith("/events") ? new Response(endless, { headers }) : null,
    );
    const { code } = await speak(spied, "watch", id);
    expect(code).toBe(0);
    await hungUp.promise;
  });
});
