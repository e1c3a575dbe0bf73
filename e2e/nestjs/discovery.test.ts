// Which classes of an application become workflows, and whatever kind of application it is.
import {
  MillraceException,
  MillraceModule,
  RunService,
  Workflow,
  Workspace,
  type EmbeddedEngine,
  type WorkflowClass,
} from "@millrace/nestjs";
import type { INestApplicationContext, Provider } from "@nestjs/common";
import { LazyModuleLoader, NestFactory } from "@nestjs/core";
import { Test } from "@nestjs/testing";
import { describe, expect, test } from "vitest";
import { soon } from "../deadline.ts";
import { on, openApp, openEngine, toRoot, type EngineWorld } from "./open-app.ts";

@Workspace()
class Desk {}

class Greeting {
  readonly word: string;
  constructor(word = "hello") {
    this.word = word;
  }
  run(): string {
    return this.word;
  }
}
Workflow()(Greeting);

/** Marked itself, with a `run` that it inherits. */
class Louder extends Greeting {
  constructor() {
    super("HELLO");
  }
}
Workflow("louder")(Louder);

/** Not marked. */
class Quieter extends Greeting {
  constructor() {
    super("psst");
  }
}

async function answerOf(
  world: EngineWorld,
  app: Pick<INestApplicationContext, "get">,
  workflow: string | WorkflowClass,
): Promise<unknown> {
  const { runId } = await app.get(RunService).run(workflow, Desk, {}, "ada");
  return soon("a result", world.client.run(runId).result());
}

describe("a workflow class", () => {
  const CASES: readonly (readonly [string, readonly Provider[], string | WorkflowClass, string])[] =
    [
      [
        "is run as the class that extends it, where that takes its place",
        [{ provide: Greeting, useClass: Quieter }],
        "Greeting",
        "psst",
      ],
      ["runs a `run` that it inherits", [Greeting, Louder], Louder, "HELLO"],
      ["is itself where one that extends it is there, too", [Louder, Greeting], Greeting, "hello"],
      [
        "has the instance of its first provider, where it has several",
        [
          { provide: "FIRST", useFactory: () => new Greeting("first") },
          { provide: "SECOND", useFactory: () => new Greeting("second") },
          { provide: "ALIAS", useExisting: "SECOND" },
        ],
        Greeting,
        "first",
      ],
      [
        "may be another provider by another name",
        [Louder, { provide: Greeting, useExisting: Louder }],
        "Greeting",
        "HELLO",
      ],
    ];

  test.each(CASES)("%s", async (_, providers, workflow, answer) => {
    await using world = await openEngine();
    await using app = await openApp({ millrace: on(world), providers: [Desk, ...providers] });
    expect(await answerOf(world, app.nest, workflow)).toBe(answer);
  });

  test("keeps an application from starting if its factory makes nothing", async () => {
    await using world = await openEngine();
    const providers = [Desk, { provide: Greeting, useFactory: () => null }];
    await expect(openApp({ millrace: on(world), providers })).rejects.toThrow(
      "Greeting in Root is a workflow without `run`",
    );
  });

  test("comes too late with a module that is loaded later", async () => {
    await using world = await openEngine();
    await using app = await openApp({ millrace: on(world), providers: [Desk] });
    const late = toRoot({ providers: [Greeting] });
    await app.nest.get(LazyModuleLoader).load(() => late);
    await expect(answerOf(world, app.nest, Greeting)).rejects.toThrow(/"Greeting" is not found/);
  });
});

describe("an application", () => {
  test("without a server of its own has its worker all the same", async () => {
    await using world = await openEngine();
    const root = toRoot({
      imports: [MillraceModule.forRoot(on(world))],
      providers: [Desk, Greeting],
    });
    const options = { logger: false, abortOnError: false } as const;
    const app = await NestFactory.createApplicationContext(root, options);
    expect(await answerOf(world, app, Greeting)).toBe("hello");
    await app.close();
  });

  test("may stop while another works at the same engine, and may be stopped twice", async () => {
    await using world = await openEngine();
    const open = () => openApp({ millrace: on(world), providers: [Desk, Greeting] });
    const first = await open();
    await using second = await open();
    expect(await answerOf(world, first.nest, Greeting)).toBe("hello");
    await Promise.all([first.nest.close(), first.nest.close()]);
    await first.nest.close();
    expect(await answerOf(world, second.nest, Greeting)).toBe("hello");
  });
});

/** An engine that says what is done to it, and starts when the test lets it. */
function watchEngine({ engine }: EngineWorld): EmbeddedEngine & {
  readonly calls: readonly string[];
  readonly starting: Promise<void>;
  letStart(): void;
} {
  const calls: string[] = [];
  const starting = Promise.withResolvers<void>();
  const mayStart = Promise.withResolvers<void>();
  return {
    calls,
    starting: starting.promise,
    letStart: mayStart.resolve,
    connect: (namespace) => engine.connect(namespace),
    start: async () => {
      calls.push("start");
      starting.resolve();
      await mayStart.promise;
    },
    stop: async () => {
      calls.push("stop");
    },
  };
}

describe("an application that is closed", () => {
  const compile = (engine: EmbeddedEngine) =>
    Test.createTestingModule({
      imports: [MillraceModule.forRoot({ engine })],
      providers: [Desk, Greeting],
    }).compile();

  test("while it starts leaves nothing behind", async () => {
    await using world = await openEngine();
    const engine = watchEngine(world);
    const module = await compile(engine);
    const started = module.init().catch((error: unknown) => error);
    await soon("the start", engine.starting);
    const closed = module.close();
    engine.letStart();
    await soon("the end", Promise.all([started, closed]));
    expect(engine.calls).toEqual(["start", "stop"]);
  });

  test("without having started does not start with a run", async () => {
    await using world = await openEngine();
    const engine = watchEngine(world);
    const module = await compile(engine);
    const runs = module.get(RunService);
    await module.close();
    const refused: unknown = await runs
      .run(Greeting, Desk, {}, "ada")
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MillraceException);
    expect(refused).toMatchObject({ code: "engine.stopping", status: 503 });
    expect(engine.calls).toEqual(["stop"]);
  });
});
