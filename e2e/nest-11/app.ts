// A Nest 11 application on an engine in memory, under the HTTP adapter of that name. It sends itself requests, and
// prints what came of them as one line of JSON.
//
// Decorators are called by hand: Node strips types, and refuses what is more than types.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import {
  MillraceClient,
  MillraceError,
  MillraceHealthIndicator,
  MillraceModule,
  RunService,
  UserRunService,
  WebhookSignature,
  Workflow,
  Workspace,
  type EmbeddedEngine,
  type RunReceipt,
  type WorkflowContext,
} from "@millrace/nestjs";
import { overrideMillrace } from "@millrace/nestjs/testing";
import { Body, Controller, Inject, Injectable, Module, Post, UseGuards } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { Test } from "@nestjs/testing";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

class Prices {
  of(sku: string): number {
    return sku === "lamp" ? 40 : 5;
  }
}
Injectable()(Prices);

class ProcessOrder {
  readonly #prices: Prices;

  constructor(prices: Prices) {
    this.#prices = prices;
  }

  async run(ctx: WorkflowContext, { sku }: { readonly sku: string }): Promise<object> {
    const price = await ctx.run("price", () => this.#prices.of(sku));
    return { price, userId: ctx.userId };
  }
}
Workflow()(ProcessOrder);
Inject(Prices)(ProcessOrder, undefined, 0);

class OrdersWorkspace {}
Workspace()(OrdersWorkspace);

class OrdersController {
  readonly #runs: RunService;
  readonly #mine: UserRunService;

  constructor(runs: RunService, mine: UserRunService) {
    this.#runs = runs;
    this.#mine = mine;
  }

  start(body: { readonly userId: string }): Promise<RunReceipt> {
    return this.#runs.run(ProcessOrder.name, OrdersWorkspace.name, body, body.userId);
  }

  startMine(body: object): Promise<RunReceipt> {
    return this.#mine.run(ProcessOrder, OrdersWorkspace, body);
  }

  webhook(): object {
    return { received: true };
  }
}
Controller()(OrdersController);
Inject(RunService)(OrdersController, undefined, 0);
Inject(UserRunService)(OrdersController, undefined, 1);
Body()(OrdersController.prototype, "start", 0);
Body()(OrdersController.prototype, "startMine", 0);
above("start", Post("orders"));
above("startMine", Post("mine"));
above("webhook", Post("webhook"), UseGuards(WebhookSignature.github("secret")));

function above(method: keyof OrdersController, ...decorators: readonly MethodDecorator[]): void {
  const { prototype } = OrdersController;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  if (descriptor === undefined) throw new Error(`there is no method ${method}`);
  for (const decorate of decorators) decorate(prototype, method, descriptor);
}

const engine = createEngine({ storage: await createSqliteStorage({ memory: true }) });

class AppModule {}
Module({
  imports: [
    MillraceModule.forRootAsync({
      useFactory: () => ({
        engine,
        userOf: (request) =>
          (request as { readonly headers: Readonly<Record<string, string>> }).headers["x-user"],
      }),
    }),
  ],
  providers: [Prices, ProcessOrder, OrdersWorkspace],
  controllers: [OrdersController],
})(AppModule);

const adapter = process.argv[2] === "fastify" ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter, { rawBody: true, logger: false });
await app.listen(0, "127.0.0.1");
const url = await app.getUrl();

interface Answer {
  readonly status: number;
  readonly body: { readonly runId?: string; readonly message?: string };
}

async function post(
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  // Written by the controller above.
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

const resultOf = ({ body }: Answer): Promise<unknown> =>
  app
    .get(MillraceClient)
    .run(body.runId ?? "")
    .result();

const order = await post("/orders", { sku: "lamp", userId: "ada" });
const mine = await post("/mine", { sku: "rug" }, { "x-user": "grace" });
const nobodys = await post("/orders", { sku: "lamp" });
const event = { type: "push" };
const signature = createHmac("sha256", "secret").update(JSON.stringify(event)).digest("hex");
const signed = await post("/webhook", event, { "x-hub-signature-256": `sha256=${signature}` });
const forged = await post(
  "/webhook",
  { type: "pull" },
  { "x-hub-signature-256": `sha256=${signature}` },
);

const inTest = await overrideMillrace(Test.createTestingModule({ imports: [AppModule] }), {
  engine,
}).compile();
const { outcome } = await inTest.get(RunService).run("ProcessOrder", "OrdersWorkspace", {}, "ada");
await inTest.close();

/** What becomes of an application that is closed while its engine starts. */
async function closeEarly(): Promise<readonly string[]> {
  const calls: string[] = [];
  const starting = Promise.withResolvers<void>();
  const mayStart = Promise.withResolvers<void>();
  const slow: EmbeddedEngine = {
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
  class EarlyModule {}
  const imports = [MillraceModule.forRoot({ engine: slow })];
  Module({ imports, providers: [Prices, ProcessOrder, OrdersWorkspace] })(EarlyModule);
  const early = await NestFactory.create(EarlyModule, new ExpressAdapter(), { logger: false });
  const started = early.init().then(
    () => "started",
    (error: unknown) => (MillraceError.is(error) ? error.code : String(error)),
  );
  await starting.promise;
  const closed = early.close();
  // The hooks up to ours wait for nothing but each other.
  setImmediate(mayStart.resolve);
  await closed;
  return [await started, ...calls];
}

const seen = {
  nest: (createRequire(import.meta.url)("@nestjs/core/package.json") as { version: string })
    .version,
  order: await resultOf(order),
  mine: await resultOf(mine),
  nobodys: [nobodys.status, nobodys.body.message],
  signed: signed.status,
  forged: forged.status,
  outcome,
  closedEarly: await closeEarly(),
  health: await app.get(MillraceHealthIndicator).isHealthy(),
};
await app.close();
console.log(JSON.stringify(seen));
