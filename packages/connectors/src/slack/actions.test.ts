import type { ActionContext, JsonValue } from "@millrace/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { openFetchSide, type FetchSide } from "../../../../tools/testkit/open-fetch-side.ts";
import { createGuard } from "../guard/guard.ts";
import { createSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import { createMemorySandboxStore } from "../sandbox/store.ts";
import { createSlackActions, type SlackRoute } from "./actions.ts";

const TOKEN = "xoxb-thetokenofthetest";
type Post = (input: JsonValue, context?: Partial<ActionContext>) => Promise<unknown>;

const through = (route: SlackRoute): Post => {
  const actions = createSlackActions(() => route);
  return async (input, context) => actions["slack.postMessage"]?.(input, anActionContext(context));
};

/** The real SDK through the real guard to a server on this machine. */
async function open(
  answer: Parameters<typeof openFetchSide>[0],
): Promise<{ readonly post: Post; readonly side: FetchSide }> {
  const side = await openFetchSide(answer);
  const guard = createGuard({ mode: "development" });
  onTestFinished(async () => {
    await guard.close();
    await side[Symbol.asyncDispose]();
  });
  const connection = { token: TOKEN, url: `${side.url}/api/`, fetch: guard.fetch };
  return { side, post: through({ to: "slack", connection }) };
}

const posted = (): Response => Response.json({ ok: true, channel: "C1", ts: "1700.000100" });

describe("slack.postMessage", () => {
  test("posts with the token, and gives channel and time stamp", async () => {
    const { post, side } = await open(posted);
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*Paid*" } }];
    const input = { channel: "#sales", text: "Paid", blocks, threadTs: "1.2", iconEmoji: ":tada:" };
    expect(await post(input)).toEqual({ channel: "C1", ts: "1700.000100" });
    const [request] = side.requests;
    expect(request?.path).toBe("/api/chat.postMessage");
    expect(request?.headers.get("authorization")).toBe(`Bearer ${TOKEN}`);
    const form = Object.fromEntries(new URLSearchParams(request?.text));
    expect(form).toMatchObject({ channel: "#sales", text: "Paid", thread_ts: "1.2" });
    expect(JSON.parse(form["blocks"] ?? "")).toEqual(blocks);
  });

  test("sends a UUID that is the same for every attempt of a step, and no other", async () => {
    const { post, side } = await open(posted);
    for (const context of [{}, { attempt: 2 }, { step: "other" }]) {
      await post({ channel: "C1", text: "x" }, context);
    }
    const ids = side.requests.map(({ text }) => new URLSearchParams(text).get("client_msg_id"));
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([ids[1] === ids[0], ids[2] === ids[0]]).toEqual([true, false]);
  });

  test.for([
    [{ text: "x" }, "`channel` is empty"],
    [{ channel: " ", text: "x" }, "`channel` is empty"],
    [{ channel: "C1" }, "there is nothing to say"],
    [{ channel: "C1", text: "", blocks: [] }, "there is nothing to say"],
    [{ channel: "C1", txet: "x" }, 'Did you mean "text"?'],
    [{ channel: "C1", text: "x", token: "xoxb-other" }, 'there is no field "token"'],
    [{ channel: "C1", text: "x", client_msg_id: "y" }, 'there is no field "client_msg_id"'],
    [{ channel: "C1", text: "x", threadTs: 1700.0001 }, "`threadTs` must be text"],
    [{ channel: "C1", text: "x", threadTs: "1", thread_ts: "2" }, "given twice"],
    [{ channel: "C1", blocks: "[]" }, "`blocks` must be a list"],
  ] as const)("refuses %j before anything is sent", async ([input, message]) => {
    const { post, side } = await open(posted);
    const failure = await actionFailure(post(input));
    expect([failure.code, failure.source]).toEqual(["action.input-invalid", "definition"]);
    expect(failure.message).toContain(message);
    expect(side.requests).toEqual([]);
  });

  test.for([
    [{ error: "channel_not_found" }, 200, "slack.channel-not-found", "code"],
    [{ error: "invalid_auth" }, 200, "slack.invalid-auth", "definition"],
    [{ error: "missing_scope" }, 200, "slack.missing-scope", "definition"],
    [{ error: "internal_error" }, 200, "slack.internal-error", "infrastructure"],
    [{ error: `no ${TOKEN}!` }, 200, "slack.answer-invalid", "infrastructure"],
    [null, 200, "slack.answer-invalid", "infrastructure"],
    ["text", 200, "slack.answer-invalid", "infrastructure"],
    [{ error: TOKEN }, 500, "slack.unavailable", "infrastructure"],
    [{ error: TOKEN }, 404, "slack.unavailable", "code"],
  ] as const)("takes %j with status %i as %s", async ([answer, status, code, source]) => {
    const body = typeof answer === "object" && answer !== null ? { ok: false, ...answer } : answer;
    const { post, side } = await open(() => Response.json(body, { status }));
    const failure = await actionFailure(post({ channel: "C1", text: "x" }));
    expect([failure.code, failure.source]).toEqual([code, source]);
    expect(JSON.stringify([failure.message, failure.details, failure.stack])).not.toContain(TOKEN);
    expect(side.requests).toHaveLength(1);
  });

  test.for([
    [{ "retry-after": "30" }, 30_000],
    [{}, null],
  ] as const)("waits as long as Slack asks, with %j", async ([headers, retryAfterMs]) => {
    const { post, side } = await open(() => new Response("slow down", { status: 429, headers }));
    const failure = await actionFailure(post({ channel: "C1", text: "x" }));
    expect(failure).toMatchObject({
      code: "slack.rate-limited",
      source: "infrastructure",
      retryAfterMs,
    });
    expect(side.requests).toHaveLength(1);
  });

  test("has the guard's code when Slack cannot be reached", async () => {
    const { post } = await open(() => null);
    const failure = await actionFailure(post({ channel: "C1", text: "x" }));
    expect([failure.code, failure.source]).toEqual(["http.unreachable", "infrastructure"]);
  });

  test("follows no redirect with its token", async () => {
    const { post, side } = await open(
      () => new Response(null, { status: 307, headers: { location: "/elsewhere" } }),
    );
    expect((await actionFailure(post({ channel: "C1", text: "x" }))).code).toBe("outbound.refused");
    expect(side.requests).toHaveLength(1);
  });
});

describe("slack.postMessage in the sandbox", () => {
  /** Its clock moves on whenever somebody looks. */
  function openSandbox(): Sandbox {
    let now = 1_800_000_000_000 - 60_000;
    return createSandbox({ store: createMemorySandboxStore(), now: () => (now += 60_000) });
  }

  test("keeps what would be sent, once for all attempts", async () => {
    const sandbox = openSandbox();
    const post = through({ to: "sandbox", sandbox });
    const first = await post({ channel: "#sales", text: "Paid" });
    expect(await post({ channel: "#sales", text: "Paid" }, { attempt: 2 })).toEqual(first);
    expect(first).toEqual({
      channel: "#sales",
      ts: expect.stringMatching(/^1800000000\.\d{6}$/) as string,
    });
    expect(await sandbox.list("default", "outbox", { before: null, limit: 9 })).toMatchObject([
      {
        connector: "slack",
        at: "2027-01-15T08:00:00.000Z",
        step: "invoice",
        message: { channel: "#sales", text: "Paid" },
      },
    ]);
  });
});
