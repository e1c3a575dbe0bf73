// An application with the engine in its own process, from its start to its end.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import {
  MillraceClient,
  MillraceHealthIndicator,
  MillraceModule,
  RunService,
  Workflow,
  Workspace,
  type EmbeddedEngine,
  type WorkflowContext,
} from "@millrace/nestjs";
import { overrideMillrace } from "@millrace/nestjs/testing";
import { MillraceError } from "@millrace/sdk/client";
import { Injectable } from "@nestjs/common";
import { Test } from "@nestjs/testing";
import { describe, expect, test } from "vitest";
import { soon } from "../deadline.ts";
import { on, openApp, openEngine, toRoot, type EngineWorld, type TestApp } from "./open-app.ts";

@Workspace()
class ReportsWorkspace {}

/** A step whose body stays until the test lets it go. */
class Gate {
  readonly #entered = Promise.withResolvers<void>();
  readonly #open = Promise.withResolvers<void>();
  entries = 0;

  readonly entered = this.#entered.promise;
  open(): void {
    this.#open.resolve();
  }

  async pass(): Promise<number> {
    this.entries += 1;
    this.#entered.resolve();
    await this.#open.promise;
    return this.entries;
  }
}

@Workflow()
class DailyReport {
  readonly #gate: Gate;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  async run(ctx: WorkflowContext): Promise<string> {
    const entries = await ctx.run("collect", () => this.#gate.pass());
    return ctx.run("send", () => `sent after ${entries}`);
  }
}

const openReports = (
  world: EngineWorld,
  gate: Gate,
  options: Parameters<typeof on>[1] = {},
): Promise<TestApp> =>
  openApp({
    millrace: on(world, options),
    providers: [DailyReport, ReportsWorkspace, { provide: Gate, useValue: gate }],
  });

const openGate = (): Gate => {
  const gate = new Gate();
  gate.open();
  return gate;
};

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  return MillraceError.is(thrown) ? thrown.code : String(thrown);
}

const startReport = async ({ runs }: TestApp): Promise<string> =>
  (await runs.run(DailyReport, ReportsWorkspace, {}, "ada")).runId;

describe("an application that stops", () => {
  test("lets bodies end, and its runs go on at the next start", async () => {
    await using world = await openEngine();
    const gate = new Gate();
    const app = await openReports(world, gate);
    const runId = await startReport(app);
    await soon("the body", gate.entered);
    const closed = app.nest.close();
    gate.open();
    await soon("the end of the application", closed);
    await using _ = await openReports(world, openGate());
    expect(await soon("the result", world.client.run(runId).result())).toBe("sent after 1");
  });

  test("hands over what does not end in time", async () => {
    await using world = await openEngine();
    const gate = new Gate();
    const app = await openReports(world, gate, { worker: { graceMs: 0 } });
    const runId = await startReport(app);
    await soon("the body", gate.entered);
    await soon("the end of the application", app.nest.close());
    const second = openGate();
    await using _ = await openReports(world, second);
    // The engine waits for the first body before it lets the step begin anew in this process.
    gate.open();
    expect(await soon("the result", world.client.run(runId).result())).toBe("sent after 1");
  });

  test("starts an engine that it is given, and stops it last", async () => {
    const own = createEngine({ storage: await createSqliteStorage({ memory: true }) });
    const calls: string[] = [];
    let app: TestApp | null = null;
    const engine: EmbeddedEngine = {
      connect: (namespace) => own.connect(namespace),
      start: async () => {
        calls.push("start");
        await own.start();
      },
      stop: async () => {
        const health = await app?.get(MillraceHealthIndicator).isHealthy();
        calls.push(`stop, ${health?.millrace.message}`);
        await own.stop();
      },
    };
    app = await openApp({
      millrace: { engine },
      providers: [DailyReport, ReportsWorkspace, { provide: Gate, useValue: openGate() }],
    });
    const runId = await startReport(app);
    await soon("the result", app.get(MillraceClient).run(runId).result());
    expect(calls).toEqual(["start"]);
    await app.nest.close();
    expect(calls).toEqual(["start", "stop, the worker is stopped"]);
  });

  test("leaves an engine running that it is told to leave", async () => {
    await using world = await openEngine();
    const app = await openReports(world, openGate());
    const runId = await startReport(app);
    await soon("the result", world.client.run(runId).result());
    await app.nest.close();
    expect(await world.client.run(runId).status()).toBe("completed");
  });

  test("stops also if it never started", async () => {
    await using world = await openEngine();
    const builder = Test.createTestingModule({ imports: [MillraceModule.forRoot(on(world))] });
    const module = await builder.compile();
    await module.close();
    expect(await world.client.runs.list().page()).toMatchObject({ items: [] });
  });
});

describe("an application that starts", () => {
  test("is refused if a JSON workflow has the name of a class", async () => {
    await using world = await openEngine();
    const steps = [{ id: "one", type: "transform", config: { mapping: { x: 1 } } }];
    await world.client.workflows.create({ id: "wf_other", name: "nightly", steps });
    @Workflow("nightly")
    class Nightly {
      run(): void {}
    }
    const refused = openApp({ millrace: on(world), providers: [Nightly] });
    expect(await codeOf(refused)).toBe("workflow.exists");
  });

  test("starts runs that others execute, if it has no worker", async () => {
    await using world = await openEngine();
    await using front = await openReports(world, new Gate(), { worker: false });
    const early: unknown = await startReport(front).catch((error: unknown) => error);
    expect(early).toMatchObject({ code: "workflow.not-found" });
    await using _ = await openReports(world, openGate());
    const runId = await startReport(front);
    expect(await soon("the result", world.client.run(runId).result())).toBe("sent after 1");
    expect(await front.get(MillraceHealthIndicator).isHealthy("queue")).toEqual({
      queue: { status: "up" },
    });
  });

  test("takes its options from what other modules provide", async () => {
    await using world = await openEngine();
    @Injectable()
    class Settings {
      readonly options = on(world, { worker: { name: "from-settings" } });
    }
    const settings = toRoot({ providers: [Settings], exports: [Settings] });
    const millrace = MillraceModule.forRootAsync({
      imports: [settings],
      inject: [Settings],
      useFactory: ({ options }: Settings) => Promise.resolve(options),
    });
    const module = await Test.createTestingModule({
      imports: [millrace],
      providers: [DailyReport, ReportsWorkspace, { provide: Gate, useValue: openGate() }],
    }).compile();
    await module.init();
    const receipt = await module
      .get(RunService)
      .run(DailyReport.name, ReportsWorkspace.name, {}, "ada");
    expect(receipt.workerId).toBe("from-settings");
    expect(await soon("the result", world.client.run(receipt.runId).result())).toMatch(/^sent/);
    await module.close();
  });

  test("may start runs in its own hooks", async () => {
    await using world = await openEngine();
    @Injectable()
    class OnStart {
      readonly runs: RunService;
      runId = "";
      constructor(runs: RunService) {
        this.runs = runs;
      }
      async onModuleInit(): Promise<void> {
        const { runId } = await this.runs.run(DailyReport, ReportsWorkspace, {}, "ada");
        this.runId = runId;
      }
    }
    await using app = await openApp({
      millrace: on(world),
      providers: [OnStart, DailyReport, ReportsWorkspace, { provide: Gate, useValue: openGate() }],
    });
    const { runId } = app.get(OnStart);
    expect(await soon("the result", world.client.run(runId).result())).toBe("sent after 1");
  });

  test("is told that its providers must be there before runs are", async () => {
    await using world = await openEngine();
    const early = {
      provide: "EARLY",
      inject: [RunService],
      useFactory: async (runs: RunService): Promise<string> => {
        const refused = runs.run(DailyReport, ReportsWorkspace, {}, "ada");
        return String(await refused.catch((error: unknown) => error));
      },
    };
    await using app = await openApp({
      millrace: on(world),
      // A workflow that is made after it.
      providers: [
        early,
        { provide: Gate, inject: ["EARLY"], useFactory: openGate },
        DailyReport,
        ReportsWorkspace,
      ],
    });
    expect(app.nest.get<string>("EARLY")).toMatch(/start runs after that/);
    const runId = await startReport(app);
    expect(await soon("the result", world.client.run(runId).result())).toBe("sent after 1");
  });
});

describe("overrideMillrace", () => {
  test("lets a module run on another engine, and leaves that engine to the test", async () => {
    await using world = await openEngine();
    const real = MillraceModule.forRoot({
      url: "http://127.0.0.1:1",
      key: "mr_of_production",
      workspaces: [ReportsWorkspace],
    });
    const builder = Test.createTestingModule({
      imports: [real],
      providers: [DailyReport, { provide: Gate, useValue: openGate() }],
    });
    const { engine } = world;
    const module = await overrideMillrace(builder, { engine }).compile();
    const { runId } = await module
      .get(RunService)
      .run("DailyReport", "ReportsWorkspace", {}, "ada");
    expect(await soon("the result", world.client.run(runId).result())).toBe("sent after 1");
    await module.close();
    expect(await world.client.run(runId).status()).toBe("completed");
  });

  test("lets a test put something else in the place of a workflow class", async () => {
    await using world = await openEngine();
    const builder = Test.createTestingModule({
      imports: [MillraceModule.forRoot(on(world))],
      providers: [DailyReport, ReportsWorkspace, Gate],
    })
      .overrideProvider(DailyReport)
      .useValue({ run: () => "stubbed" });
    const module = await builder.compile();
    const { runId } = await module
      .get(RunService)
      .run("DailyReport", "ReportsWorkspace", {}, "ada");
    expect(await soon("the result", world.client.run(runId).result())).toBe("stubbed");
    await module.close();
  });
});

/** As the seed has it, with `@Cron` above its method. */
@Injectable()
class TaskScheduler {
  readonly #runs: RunService;

  constructor(runs: RunService) {
    this.#runs = runs;
  }

  async generateDailyReports(isKeyed: boolean): Promise<readonly string[]> {
    const reportDate = new Date().toISOString();
    const outcomes: string[] = [];
    for (const user of ["ada", "grace"]) {
      const options = isKeyed ? { idempotencyKey: `daily-report-2026-01-01-${user}` } : {};
      // Each instance has a time of its own.
      const payload = { reportDate, by: Math.random() };
      const { outcome } = await this.#runs.run(
        DailyReport.name,
        ReportsWorkspace.name,
        payload,
        user,
        options,
      );
      outcomes.push(outcome);
    }
    return outcomes;
  }
}

describe("a cron method on three instances at once", () => {
  const fire = async (world: EngineWorld, isKeyed: boolean): Promise<readonly string[]> => {
    const open = (): Promise<TestApp> =>
      openApp({
        millrace: on(world),
        providers: [
          TaskScheduler,
          DailyReport,
          ReportsWorkspace,
          { provide: Gate, useValue: openGate() },
        ],
      });
    await using a = await open();
    await using b = await open();
    await using c = await open();
    const fired = await Promise.all(
      [a, b, c].map((app) => app.get(TaskScheduler).generateDailyReports(isKeyed)),
    );
    const { items } = await world.client.runs.list().page();
    await Promise.all(items.map(({ id }) => soon("a report", world.client.run(id).result())));
    return fired.flat();
  };

  test("starts a run a user and instance without a key", async () => {
    await using world = await openEngine();
    expect(await fire(world, false)).toEqual(Array.from({ length: 6 }, () => "created"));
    expect((await world.client.runs.list().page()).items).toHaveLength(6);
  });

  test("starts a run a user with a key, and none of the instances fails", async () => {
    await using world = await openEngine();
    const outcomes = (await fire(world, true)).toSorted();
    expect(outcomes).toEqual([
      ...Array.from({ length: 4 }, () => "conflict"),
      "created",
      "created",
    ]);
    const { items } = await world.client.runs.list().page();
    expect(new Set(items.map(({ user }) => user))).toEqual(new Set(["ada", "grace"]));
    expect(items).toHaveLength(2);
  });
});
