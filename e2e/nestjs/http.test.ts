// What the clients of an application see, under both HTTP adapters.
import {
  RunService,
  UserRunService,
  WebhookSignature,
  Workflow,
  Workspace,
  type RunReceipt,
  type WorkflowContext,
} from "@millrace/nestjs";
import {
  Body,
  Controller,
  Post,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from "@nestjs/common";
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { soon } from "../deadline.ts";
import { ADAPTERS, on, openApp, openEngine, type Adapter, type TestApp } from "./open-app.ts";

@Workflow()
class Greet {
  async run(ctx: WorkflowContext, args: { readonly name?: string }): Promise<object> {
    return { args, userId: ctx.userId };
  }
}

@Workspace()
class DefaultWorkspace {}

const STRIPE = "whsec_of_a_test";
const SLACK = "slack_of_a_test";

/** As an authentication of the application's own would do it. */
class TrustedHeader implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request: Visit = context.switchToHttp().getRequest();
    const user = request.headers["x-test-user"];
    if (user !== undefined) request.user = { id: user };
    return true;
  }
}

interface Visit {
  readonly headers: Readonly<Record<string, string | undefined>>;
  user?: { readonly id: string };
}

@Controller()
class AppController {
  readonly #runs: RunService;
  constructor(runs: RunService) {
    this.#runs = runs;
  }

  @Post("run/:workflow")
  async start(@Body() body: { workflow?: string; payload?: unknown }): Promise<object> {
    const { workflow = Greet.name, payload } = body;
    await this.#runs.run(workflow, DefaultWorkspace.name, payload, "ada");
    return { message: "Workflow run is queued." };
  }

  @Post("webhooks/unchecked")
  async unchecked(@Body() data: { readonly userId: string }): Promise<object> {
    const payload = { source: "stripe", event: data };
    await this.#runs.run(Greet.name, DefaultWorkspace.name, payload, data.userId);
    return { received: true };
  }

  @Post("webhooks/stripe")
  @UseGuards(WebhookSignature.stripe(STRIPE))
  stripe(): object {
    return { received: true };
  }

  @Post("webhooks/github")
  @UseGuards(WebhookSignature.github(() => Promise.resolve(["new", "old"])))
  github(): object {
    return { received: true };
  }

  @Post("webhooks/slack")
  @UseGuards(WebhookSignature.slack(SLACK, { toleranceMs: 60_000 }))
  slack(): object {
    return { received: true };
  }

  @Post("webhooks/shop")
  @UseGuards(
    WebhookSignature.hmac({
      secret: "shop",
      header: "X-Shop-Signature",
      encoding: "base64",
      timestampHeader: "X-Shop-Time",
    }),
  )
  shop(): object {
    return { received: true };
  }
}

@Controller("mine")
class MineController {
  readonly #runs: UserRunService;
  constructor(runs: UserRunService) {
    this.#runs = runs;
  }

  @Post()
  @UseGuards(TrustedHeader)
  start(@Body() payload: unknown): Promise<RunReceipt> {
    return this.#runs.run(Greet, DefaultWorkspace, payload);
  }
}

interface Site extends AsyncDisposable {
  readonly app: TestApp;
  count(): Promise<number>;
  result(runId: string): Promise<unknown>;
}

async function openSite(adapter: Adapter, rawBody = true): Promise<Site> {
  const world = await openEngine();
  const userOf = (request: unknown): string | undefined => (request as Visit).user?.id;
  const app = await openApp({
    millrace: on(world, { userOf }),
    providers: [Greet, DefaultWorkspace],
    controllers: [AppController, MineController],
    adapter,
    rawBody,
  });
  return {
    app,
    count: async () => (await world.client.runs.list().page()).items.length,
    result: (runId) => soon("a result", world.client.run(runId).result()),
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

const secondsNow = (): number => Math.floor(Date.now() / 1_000);
const hex = (secret: string, text: string): string =>
  createHmac("sha256", secret).update(text).digest("hex");

const BODY = JSON.stringify({ type: "invoice.paid", amount: 4_200 });

interface Sender {
  readonly path: string;
  sign(body: string, seconds: number): Readonly<Record<string, string>>;
}

const STRIPE_SENDER: Sender = {
  path: "/webhooks/stripe",
  sign: (body, seconds) => ({
    "stripe-signature": `t=${seconds},v1=${hex("rolled", `${seconds}.${body}`)},v1=${hex(STRIPE, `${seconds}.${body}`)},v0=x`,
  }),
};
const GITHUB_SENDER: Sender = {
  path: "/webhooks/github",
  sign: (body) => ({ "x-hub-signature-256": `sha256=${hex("old", body)}` }),
};
const SLACK_SENDER: Sender = {
  path: "/webhooks/slack",
  sign: (body, seconds) => ({
    "x-slack-signature": `v0=${hex(SLACK, `v0:${seconds}:${body}`)}`,
    "x-slack-request-timestamp": String(seconds),
  }),
};
const SHOP_SENDER: Sender = {
  path: "/webhooks/shop",
  sign: (body, seconds) => ({
    "x-shop-signature": createHmac("sha256", "shop").update(`${seconds}.${body}`).digest("base64"),
    "x-shop-time": String(seconds),
  }),
};
const SENDERS = [STRIPE_SENDER, GITHUB_SENDER, SLACK_SENDER, SHOP_SENDER];
const TIMED_SENDERS = [STRIPE_SENDER, SLACK_SENDER, SHOP_SENDER];

describe.each(ADAPTERS)("an application on %s", (adapter) => {
  test("answers what the seed's controller says", async () => {
    await using site = await openSite(adapter);
    expect(await site.app.post("/run/it", { payload: { name: "Ada" } })).toEqual({
      status: 201,
      body: { message: "Workflow run is queued." },
    });
    expect(await site.count()).toBe(1);
  });

  test("answers 404 for a workflow that nobody has, and 400 for a webhook without a user", async () => {
    await using site = await openSite(adapter);
    const unknown = await site.app.post("/run/it", { workflow: "Gret" });
    expect(unknown.status).toBe(404);
    expect(unknown.body).toMatchObject({ statusCode: 404, code: "workflow.not-found" });
    expect(await site.app.post("/webhooks/unchecked", { type: "invoice.paid" })).toEqual({
      status: 400,
      body: {
        statusCode: 400,
        message: "userId is required",
        code: "request.invalid",
        issues: [{ path: ["userId"], message: "userId is required" }],
      },
    });
    expect(await site.count()).toBe(0);
  });

  test("starts runs of the user whom the request is of", async () => {
    await using site = await openSite(adapter);
    const { status, body } = await site.app.post("/mine", { a: 1 }, { "x-test-user": "ada" });
    expect(status).toBe(201);
    const { runId } = body as RunReceipt;
    expect(await site.result(runId)).toEqual({ args: { a: 1 }, userId: "ada" });
    const stranger = await site.app.post("/mine", { a: 1 });
    expect(stranger).toMatchObject({ status: 400, body: { message: "userId is required" } });
    expect(await site.count()).toBe(1);
  });

  test.each(SENDERS)("lets through what is signed at $path", async ({ path, sign }) => {
    await using site = await openSite(adapter);
    const { status, body } = await site.app.post(path, BODY, sign(BODY, secondsNow()));
    expect([status, body]).toEqual([201, { received: true }]);
  });

  test.each(SENDERS)("refuses what is altered or not signed at $path", async ({ path, sign }) => {
    await using site = await openSite(adapter);
    const headers = sign(BODY, secondsNow());
    const altered = await site.app.post(path, BODY.replace("4200", "9200"), headers);
    expect(altered).toMatchObject({
      status: 401,
      body: { message: "The webhook's signature is wrong" },
    });
    const spaced = await site.app.post(path, `${BODY} `, headers);
    expect(spaced.status).toBe(401);
    const unsigned = await site.app.post(path, BODY);
    expect(unsigned).toMatchObject({
      status: 401,
      body: { message: "The webhook's signature is missing" },
    });
    const empty = await site.app.post(path, undefined, {
      ...headers,
      "content-type": "text/plain",
    });
    expect(empty.status).toBe(401);
  });

  test.each(TIMED_SENDERS)("refuses what is old, or of the future, at $path", async (sender) => {
    await using site = await openSite(adapter);
    for (const seconds of [secondsNow() - 3_600, secondsNow() + 3_600]) {
      const answer = await site.app.post(sender.path, BODY, sender.sign(BODY, seconds));
      expect(answer).toMatchObject({
        status: 401,
        body: { message: "The webhook's signature is too old, or of the future" },
      });
    }
  });

  test("refuses an old signature under a time of now, however often the header is sent", async () => {
    await using site = await openSite(adapter);
    const [old, now] = [secondsNow() - 3_600, secondsNow()];
    const good = `v1=${hex(STRIPE, `${old}.${BODY}`)}`;
    const tries = [
      `t=${now},${good}`,
      `t=${now},t=${old},${good}`,
      `t=${now},v1=x, t=${old},${good}`,
      `t=${old},t=${now},${good}`,
      `t=${now}e9,${good}`,
      `t=-${now},${good}`,
      `t=${now},v1=,v1`,
      `t=${now}`,
      ",,=,",
    ];
    for (const signature of tries) {
      const headers = { "stripe-signature": signature };
      expect((await site.app.post("/webhooks/stripe", BODY, headers)).status).toBe(401);
    }
  });

  test("says what is missing if it was made without raw bodies", async () => {
    await using site = await openSite(adapter, false);
    const { path, sign } = STRIPE_SENDER;
    const answer = await site.app.post(path, BODY, sign(BODY, secondsNow()));
    expect(answer.status).toBe(500);
    expect(site.app.log.join("\n")).toMatch(/rawBody: true/);
  });
});

describe("WebhookSignature", () => {
  test.each([
    ["no secret", () => WebhookSignature.stripe(undefined as unknown as string)],
    ["an empty secret", () => WebhookSignature.github("")],
    ["an empty list", () => WebhookSignature.slack([])],
    ["no tolerance", () => WebhookSignature.stripe("s", { toleranceMs: 0 })],
  ])("is not made with %s", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "option.invalid" }));
  });
});
