import type { FunctionTarget, JsonValue } from "@millrace/protocol";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { openFarSide, type FarSide } from "../../../../tools/testkit/open-far-side.ts";
import { createGuard } from "../guard/guard.ts";
import { createFunctionCaller } from "./create-function-caller.ts";

const CONTEXT = anActionContext({
  runId: "run_1",
  step: "décider/100% sûr",
  attempt: 2,
  idempotencyKey: "run_1/decide",
});

function call(target: Omit<FunctionTarget, "kind">, input: JsonValue = null): Promise<unknown> {
  const guard = createGuard({ mode: "development" });
  onTestFinished(() => guard.close());
  return createFunctionCaller(guard)({ kind: "http", ...target }, input, CONTEXT);
}

async function open(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<FarSide> {
  const side = await openFarSide(listener);
  onTestFinished(() => side[Symbol.asyncDispose]());
  return side;
}

const openAnswer = (status: number, body: string, headers = {}): Promise<FarSide> =>
  open((_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  });

const openEcho = (): Promise<FarSide> =>
  open((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, headers } = request;
      response.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() }));
    });
  });

describe("a function with an HTTP target", () => {
  test("is sent the input alone, and who calls in headers", async () => {
    const far = await openEcho();
    const seen = await call({ url: far.url }, { total: 3 });
    expect(seen).toMatchObject({
      method: "POST",
      body: '{"total":3}',
      headers: {
        "content-type": "application/json",
        "idempotency-key": "run_1/decide",
        "x-millrace-run-id": "run_1",
        "x-millrace-attempt": "2",
      },
    });
    expect(JSON.stringify(seen)).toMatch(/"user-agent":"millrace\/\d/);
    expect(JSON.stringify(seen)).toContain(
      `"x-millrace-step":"${encodeURIComponent("décider").concat("/100%25%20s%C3%BBr")}"`,
    );
  });

  test("is sent its own headers, which cannot pose as ours", async () => {
    const far = await openEcho();
    const seen = await call({
      url: far.url,
      method: "PUT",
      headers: {
        "x-shop": "north",
        "X-Millrace-Run-Id": "run_2",
        "User-Agent": "shop",
        "x-secret": "hunter2",
      },
    });
    expect(seen).toMatchObject({
      method: "PUT",
      headers: {
        "x-shop": "north",
        "x-millrace-run-id": "run_1",
        "user-agent": "shop",
        "x-secret": "hunter2",
      },
    });
  });

  test("that takes longer than its target may fails", async () => {
    const far = await open(() => {});
    const failure = await actionFailure(call({ url: far.url, timeoutMs: 20 }));
    expect(failure).toMatchObject({ code: "http.timeout", source: "infrastructure" });
  });

  test.for<[answered: string, status: number, body: string, output: JsonValue]>([
    ["JSON", 200, '{"ok":true}', { ok: true }],
    ["JSON that is no object", 201, '"done"', "done"],
    ["nothing", 204, "", null],
    ["nothing with a body", 200, "", null],
  ])("gives %s as the step's output", async ([, status, body, output]) => {
    const far = await openAnswer(status, body);
    expect(await call({ url: far.url })).toEqual(output);
  });

  test("fails if it answers something else than JSON", async () => {
    const far = await openAnswer(200, "<p>Welcome</p>", { "content-type": "text/html" });
    const failure = await actionFailure(call({ url: far.url }));
    expect(failure).toMatchObject({ code: "http.response-invalid", source: "code" });
  });

  test.for<[status: number, body: string, message: string | null, source: string]>([
    [422, '{"error":{"message":"no such card","retryable":false}}', "no such card", "definition"],
    [400, '{"error":{"message":"busy","retryable":true}}', "busy", "infrastructure"],
    [400, '{"error":{"message":"unknown shop"}}', "unknown shop", "code"],
    [400, '{"error":"unknown shop"}', "unknown shop", "code"],
    [
      500,
      '{"error":{"message":"broken for good","retryable":false}}',
      "broken for good",
      "definition",
    ],
    [503, '{"error":{"message":"later"}}', "later", "infrastructure"],
    [404, '{"error":{"message":7}}', null, "code"],
    [404, '{"error":{"retryable":"no"}}', null, "code"],
    [404, "not JSON", null, "code"],
    [404, "[]", null, "code"],
    [500, "", null, "infrastructure"],
  ])("that answers %i %s fails as it says", async ([status, body, message, source]) => {
    const far = await openAnswer(status, body, { "retry-after": "3" });
    const failure = await actionFailure(call({ url: `${far.url}/f?key=hunter2` }));
    expect(failure.message).toBe(message ?? `POST ${far.url}/f answered ${status}`);
    expect(failure).toMatchObject({ code: "http.status", source, details: { status, body } });
    expect(failure.retryAfterMs).toBe(status >= 500 ? 3_000 : null);
  });

  test("that repeats its secret does not give it away", async () => {
    const far = await openAnswer(400, '{"error":{"message":"bad secret hunter2hunter2"}}');
    const headers = { "x-secret": "hunter2hunter2" };
    const failure = await actionFailure(call({ url: far.url, headers }));
    expect(failure.message).toBe("bad secret [hidden]");
    expect(JSON.stringify(failure.details)).not.toContain("hunter2");
  });

  test("that talks without end is cut short", async () => {
    const body = JSON.stringify({ error: { message: "x".repeat(1_500) } });
    const far = await openAnswer(400, body);
    expect((await actionFailure(call({ url: far.url }))).message).toBe("x".repeat(1_000));
  });

  test("is refused where the guard refuses", async () => {
    for (const url of ["http://10.0.0.1/f", "file:///etc/passwd", "no URL"]) {
      const failure = await actionFailure(call({ url }));
      expect(failure).toMatchObject({ code: "outbound.refused", source: "definition" });
    }
    const far = await openEcho();
    const headers = { "x-secret": "hunter2\r\nx: y" };
    const failure = await actionFailure(call({ url: far.url, headers }));
    expect(failure.message).toContain("the value of the header x-secret has characters");
    expect(failure.message).not.toContain("hunter2");
  });
});
