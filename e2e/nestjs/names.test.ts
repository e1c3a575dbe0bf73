// Under which names an application's classes are found, and what it refuses to start for.
import {
  MillraceException,
  type RunService,
  Workflow,
  Workspace,
  type StandardSchema,
  type WorkflowClass,
  type WorkflowOptions,
} from "@millrace/nestjs";
import { Injectable, Scope } from "@nestjs/common";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { soon } from "../deadline.ts";
import { on, openApp, openEngine, toRoot, type AppOptions, type EngineWorld } from "./open-app.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await openEngine();
});
afterAll(() => world[Symbol.asyncDispose]());

/** A class of this name whose `run` tells what it is. */
function aWorkflow(className: string, answer: string, options: string | WorkflowOptions = {}) {
  const Body = {
    [className]: class {
      run(): string {
        return answer;
      }
    },
  }[className] as new () => { run(): string };
  Workflow(options)(Body);
  return Body;
}

/** Takes nothing. */
const NOTHING: StandardSchema = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: () => ({ issues: [{ message: "Must not be" }] }),
  },
};

/** As a minifier does it: classes of all names are called the same. */
function rename<T extends object>(target: T, name: string): T {
  Object.defineProperty(target, "name", { value: name });
  return target;
}

@Workspace("desk")
class Desk {}

function aModule(name: string, providers: NonNullable<AppOptions["providers"]>) {
  return rename(toRoot({ providers }), name);
}

const openWith = (
  providers: NonNullable<AppOptions["providers"]>,
  imports: AppOptions["imports"] = [],
) => openApp({ millrace: on(world), providers: [Desk, ...providers], imports });

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.then(
    () => "it was not rejected",
    (error: unknown) => error,
  );
  return thrown instanceof Error ? thrown.message : String(thrown);
}

describe("an application does not start", () => {
  test("with two workflow classes of one name in different modules", async () => {
    const orders = aModule("OrdersModule", [aWorkflow("Import", "orders")]);
    const users = aModule("UsersModule", [aWorkflow("Import", "users")]);
    expect(await messageOf(openWith([], [orders, users]))).toBe(
      'Two workflow classes have the name "Import": Import in OrdersModule, and Import in UsersModule. Give one of them a name of its own: @Workflow("name")',
    );
  });

  test("if a class has the name that another gave itself", async () => {
    const classes = [aWorkflow("Import", "a"), aWorkflow("Load", "b", "Import")];
    expect(await messageOf(openWith(classes))).toMatch(
      /the name "Import": Import in Root, and Load in Root/,
    );
  });

  test("with two workspaces of one name", async () => {
    class Other {}
    Workspace("desk")(Other);
    expect(await messageOf(openWith([Other]))).toMatch(
      /Two workspace classes have the name "desk"/,
    );
  });

  test("with a workflow class that is made for each request", async () => {
    class Scoped {
      run(): void {}
    }
    Workflow()(Scoped);
    Injectable({ scope: Scope.REQUEST })(Scoped);
    expect(await messageOf(openWith([Scoped]))).toMatch(
      /The workflow Scoped in Root is request-scoped or transient.*make the class a singleton/,
    );
  });

  test("with a workflow class that injects what is made for each request", async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Session {}
    @Workflow()
    class UsesSession {
      readonly session: Session;
      constructor(session: Session) {
        this.session = session;
      }
      run(): void {}
    }
    expect(await messageOf(openWith([Session, UsesSession]))).toMatch(
      /The workflow UsesSession in Root is request-scoped/,
    );
  });

  test("with a workflow that has no name", async () => {
    expect(await messageOf(openWith([aWorkflow("", "nameless")]))).toMatch(/Must not be empty/);
  });

  test("with an option that does not exist", async () => {
    const millrace = { ...on(world), workspace: [] };
    expect(await messageOf(openApp({ millrace }))).toBe(
      'There is no option "workspace" of MillraceModule. Did you mean "workspaces"?',
    );
    const both = { ...on(world), url: "http://127.0.0.1:1" };
    expect(await messageOf(openApp({ millrace: both }))).toMatch(
      /Exactly one of `engine` and `url`/,
    );
  });
});

describe("a name", () => {
  const answerOf = async (runs: RunService, workflow: string | WorkflowClass): Promise<unknown> => {
    const { runId } = await runs.run(workflow, "desk", {}, "ada");
    return soon("a result", world.client.run(runId).result());
  };

  test("of its own wins over the name of a class", async () => {
    const providers = [
      aWorkflow("First", "first", "Second"),
      aWorkflow("Second", "second", "third"),
    ];
    await using app = await openWith(providers);
    expect(await answerOf(app.runs, "Second")).toBe("first");
    expect(await answerOf(app.runs, "First")).toBe("first");
    expect(await answerOf(app.runs, "third")).toBe("second");
  });

  test("keeps classes apart that a minified build calls the same", async () => {
    const a = rename(aWorkflow("Alpha", "a", "alpha"), "t");
    const b = rename(aWorkflow("Beta", "b", "beta"), "t");
    await using app = await openWith([a, b]);
    expect(await answerOf(app.runs, "alpha")).toBe("a");
    expect(await answerOf(app.runs, b)).toBe("b");
    const refused = app.runs.run(a.name, "desk", {}, "ada");
    expect(await messageOf(refused)).toBe(
      '2 workflow classes are called "t", as a minified build does it. Give the class itself, or one of their own names: "alpha", "beta"',
    );
    await expect(refused).rejects.toBeInstanceOf(MillraceException);
  });

  test("may stand for several versions of one workflow, and the newest runs", async () => {
    const old = aWorkflow("Old", "old", { name: "trip", version: "1", input: NOTHING });
    const next = aWorkflow("New", "new", { name: "trip", version: "2" });
    await using app = await openWith([old, next]);
    expect(await answerOf(app.runs, "trip")).toBe("new");
    expect(await answerOf(app.runs, old)).toBe("new");
  });

  test("of a class is found where the class is provided twice", async () => {
    const shared = aWorkflow("Shared", "shared");
    await using app = await openWith([], [aModule("A", [shared]), aModule("B", [shared])]);
    expect(await answerOf(app.runs, "Shared")).toBe("shared");
  });

  test("finds workflows that factories and aliases provide", async () => {
    const made = aWorkflow("Made", "made");
    const providers = [
      { provide: "MADE", useFactory: () => Promise.resolve(new made()) },
      { provide: "ALIAS", useExisting: "MADE" },
    ];
    await using app = await openWith(providers);
    expect(await answerOf(app.runs, "Made")).toBe("made");
  });

  test("does not pass to a class that extends the workflow", async () => {
    @Workflow()
    class Base {
      run(): string {
        return "base";
      }
    }
    class Derived extends Base {
      override run(): string {
        return "derived";
      }
    }
    await using app = await openWith([Base, Derived]);
    expect(await answerOf(app.runs, "Base")).toBe("base");
    expect(await messageOf(app.runs.run(Derived, "desk", {}, "ada"))).toMatch(/is not found/);
  });

  test("that no class has starts what the engine knows", async () => {
    const { id } = await world.client.workflows.create({
      id: "wf_elsewhere",
      name: "Elsewhere",
      steps: [{ id: "one", type: "transform", config: { mapping: { x: 1 } } }],
    });
    await world.client.workflows.activate(id);
    await using app = await openWith([]);
    expect(await answerOf(app.runs, "wf_elsewhere")).toEqual({ x: 1 });
  });
});
