import { ActionError, type ActionContext, type JsonValue } from "@millrace/protocol";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { openFarSide, type FarSide } from "../../../../tools/testkit/open-far-side.ts";
import { createGuard } from "../guard/guard.ts";
import { createHttpActions } from "./create-http-actions.ts";

function request(input: JsonValue, context: Partial<ActionContext> = {}): Promise<unknown> {
  const guard = createGuard({ mode: "development", caps: { totalTimeoutMs: 60_000 } });
  onTestFinished(() => guard.close());
  const action = createHttpActions(guard)["http.request"];
  if (action === undefined) throw new Error("there is no http.request");
  return action(input, anActionContext({ step: "notify", ...context }));
}

async function open(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<FarSide> {
  const side = await openFarSide(listener);
  onTestFinished(() => side[Symbol.asyncDispose]());
  return side;
}

const openEcho = (): Promise<FarSide> =>
  open((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      response.setHeader("content-type", "application/json; charset=utf-8");
      response.end(
        JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }),
      );
    });
  });

const openAnswer = (
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer = "",
): Promise<FarSide> =>
  open((_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  });

describe("http.request", () => {
  test("gets JSON from an address, with its status and headers", async () => {
    const far = await openEcho();
    expect(await request({ url: `${far.url}/orders` })).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: { method: "GET", url: "/orders", body: "" },
    });
  });

  test("says who it is, and gives all but reading calls the step's key", async () => {
    const far = await openEcho();
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      expect(await request({ url: far.url, method })).toMatchObject({
        body: {
          headers: { "idempotency-key": anActionContext({ step: "notify" }).idempotencyKey },
        },
      });
    }
    const got = await request({ url: far.url });
    expect(JSON.stringify(got)).toMatch(/"user-agent":"millrace\/\d+\.\d+\.\d+"/);
    expect(got).not.toHaveProperty(["body", "headers", "idempotency-key"]);
  });

  test("leaves to the author what he sets himself", async () => {
    const far = await openEcho();
    const headers = { "Idempotency-Key": "mine", "User-Agent": "shop", "Content-Type": "text/csv" };
    expect(await request({ url: far.url, headers, body: "a;b" })).toMatchObject({
      body: {
        headers: { "idempotency-key": "mine", "user-agent": "shop", "content-type": "text/csv" },
      },
    });
  });

  test("makes a key out of any step's name, the same each time", async () => {
    const far = await openEcho();
    const keyOf = async (idempotencyKey: string): Promise<unknown> => {
      const answer = await request({ url: far.url, body: 1 }, { idempotencyKey });
      return JSON.stringify(answer).match(/idempotency-key":"([^"]*)"/)?.[1];
    };
    const key = await keyOf("run_1/décider le prix");
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyOf("run_1/décider le prix")).toBe(key);
    expect(await keyOf("run_1/decider le prix")).not.toBe(key);
    expect(await keyOf(`run_1/${"x".repeat(300)}`)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.for<[sent: string, fields: object, seen: object]>([
    ["JSON", { body: { total: 3 } }, { method: "POST", body: '{"total":3}' }],
    ["JSON's null", { body: null }, { method: "POST", body: "null" }],
    [
      "text",
      { body: "a" },
      { body: "a", headers: { "content-type": "text/plain; charset=utf-8" } },
    ],
    ["a form", { form: { a: "1 2", b: [1, true], c: null } }, { body: "a=1+2&b=1&b=true" }],
    ["a form by PUT", { method: "put", form: {} }, { method: "PUT", body: "" }],
    [
      "a query",
      { query: { page: 2, tag: ["a b", "ü"], none: null } },
      { url: "/?page=2&tag=a+b&tag=%C3%BC" },
    ],
    ["a bearer", { auth: { bearer: "abc" } }, { headers: { authorization: "Bearer abc" } }],
    [
      "a user",
      { auth: { username: "ada", password: "p:ß" } },
      { headers: { authorization: `Basic ${Buffer.from("ada:p:ß").toString("base64")}` } },
    ],
    [
      "other headers",
      { headers: { "x-count": 3, "x-on": true, "x-none": null } },
      { headers: { "x-count": "3", "x-on": "true" } },
    ],
  ])("sends %s", async ([, fields, seen]) => {
    const far = await openEcho();
    expect(await request({ url: far.url, ...fields })).toMatchObject({ body: seen });
  });

  test("keeps the query that the address has", async () => {
    const far = await openEcho();
    const answer = await request({ url: `${far.url}/?a=1`, query: { b: 2 } });
    expect(answer).toMatchObject({ body: { url: "/?a=1&b=2" } });
  });

  test.for<[problem: string, fields: { readonly [name: string]: JsonValue }]>([
    ['"url" must be a whole URL', { url: null }],
    ['"url" must be a whole URL', { url: "/orders" }],
    ['there is no field "methd". Did you mean "method"?', { methd: "POST" }],
    ['there is no field "next". There are url, method', { next: "POST" }],
    ['"method" must be one of GET, HEAD', { method: "FETCH" }],
    ['"method" is GET, which has no body', { method: "GET", body: {} }],
    ['"form" cannot stand beside "body"', { form: {}, body: {} }],
    ['"form" must be an object', { form: "a=1" }],
    ['"query" may hold texts, numbers', { query: { a: { b: 1 } } }],
    ['"headers" must be an object', { headers: ["a"] }],
    ['"headers" may hold texts', { headers: { a: {} } }],
    ["the value of the header x-key has characters", { headers: { "x-key": "hunter2\r\nx: y" } }],
    ['"x y" cannot be the name of a header', { headers: { "x y": "1" } }],
    ["the header Host cannot be set by hand", { headers: { Host: "hunter2" } }],
    ["the header Content-Length cannot be set by hand", { headers: { "Content-Length": 3 } }],
    ['"auth" must be an object', { auth: "hunter2" }],
    ['"auth" must have either', { auth: { bearer: 7 } }],
    ['"auth" must have either', { auth: { bearer: "" } }],
    ['"auth" must have either', { auth: { username: "ada" } }],
    ['"auth" must have either', { auth: { username: "a:b", password: "hunter2" } }],
    ['"auth" must have either', { auth: { bearer: "hunter2", username: "a", password: "b" } }],
    ['no field "auth.token"', { auth: { token: "hunter2" } }],
    ["the header Authorization has characters", { auth: { bearer: "hunter2\r\nx: y" } }],
    [
      '"auth" cannot stand beside',
      { auth: { bearer: "a" }, headers: { authorization: "hunter2" } },
    ],
    ['"timeoutMs" must be a whole number from 1 to 60000', { timeoutMs: 60_001 }],
    ['"timeoutMs" must be a whole number from 1 to 60000', { timeoutMs: "soon" }],
    ['"maxBytes" must be a whole number from 1 to 10485760', { maxBytes: 0 }],
    ['"expect" must be a list of statuses', { expect: [200, "6xx"] }],
    ['"expect" must be a list of statuses', { expect: [] }],
    ['"expect" must be a list of statuses', { expect: [true] }],
    ['"parse" must be one of auto, json', { parse: "xml" }],
  ])("refuses an input by saying: %s", async ([problem, fields]) => {
    const failure = await actionFailure(request({ url: "http://localhost/", ...fields }));
    expect(failure).toMatchObject({ code: "action.input-invalid", source: "definition" });
    expect(failure.message).toContain(problem);
    expect(failure.message).not.toContain("hunter2");
  });

  test.for<JsonValue>(["https://api.example.com", null, [], {}])(
    "refuses %j for an input",
    async (input) => {
      const failure = await actionFailure(request(input));
      expect(failure).toMatchObject({ code: "action.input-invalid", source: "definition" });
    },
  );

  test("is refused by the guard as anything else", async () => {
    const failure = await actionFailure(request({ url: "http://169.254.169.254/" }));
    expect(failure.code).toBe("outbound.refused");
  });

  test("ends with its attempt", async () => {
    const far = await open(() => {});
    const control = new AbortController();
    const reason = new Error("the step overran its time");
    const call = request({ url: far.url }, { signal: control.signal });
    control.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  test("takes no longer and reads no more than the step allows", async () => {
    const silent = await open(() => {});
    const late = await actionFailure(request({ url: silent.url, timeoutMs: 50 }));
    expect(late).toMatchObject({ code: "http.timeout", source: "infrastructure" });
    const loud = await openAnswer(200, {}, "x".repeat(101));
    const large = await actionFailure(request({ url: loud.url, maxBytes: 100 }));
    expect(large).toMatchObject({ code: "http.response-too-large", source: "definition" });
  });
});

describe("the answer of http.request", () => {
  const JSON_TYPE = { "content-type": "application/json" };

  test.for<
    [what: string, headers: Readonly<Record<string, string>>, sent: string | Buffer, body: unknown]
  >([
    ["JSON", JSON_TYPE, '{"a":1}', { a: 1 }],
    ["JSON of a kind", { "content-type": "application/problem+json" }, "[1]", [1]],
    ["JSON with keys of the language", JSON_TYPE, '{"__proto__":1}', JSON.parse('{"__proto__":1}')],
    ["text", { "content-type": "text/html" }, "<p>ü</p>", "<p>ü</p>"],
    ["XML", { "content-type": "application/xml" }, "<a/>", "<a/>"],
    [
      "text in Latin-1",
      { "content-type": 'text/plain; charset="iso-8859-1"' },
      Buffer.from([0xfc]),
      "ü",
    ],
    ["text in no such charset", { "content-type": "text/plain; charset=klingon" }, "ü", "ü"],
    ["text without a type", {}, "ü", "ü"],
    ["bytes without a type", {}, Buffer.from([0xff]), { contentType: "", base64: "/w==" }],
    ["bytes", { "content-type": "image/png" }, "x", { contentType: "image/png", base64: "eA==" }],
    ["nothing", JSON_TYPE, "", null],
  ])("is %s by its content type", async ([, headers, sent, body]) => {
    const far = await openAnswer(200, headers, sent);
    expect(await request({ url: far.url })).toMatchObject({ status: 200, body });
  });

  test("is what the step wants it to be", async () => {
    const far = await openAnswer(200, { "content-type": "text/plain" }, "[1]");
    expect(await request({ url: far.url, parse: "json" })).toMatchObject({ body: [1] });
    expect(await request({ url: far.url, parse: "text" })).toMatchObject({ body: "[1]" });
    expect(await request({ url: far.url, parse: "bytes" })).toMatchObject({
      body: { contentType: "text/plain", base64: "WzFd" },
    });
  });

  test("is nothing where HTTP has none", async () => {
    const far = await openAnswer(204, {});
    expect(await request({ url: far.url, method: "DELETE" })).toMatchObject({
      status: 204,
      body: null,
    });
    const echo = await openEcho();
    expect(await request({ url: echo.url, method: "HEAD" })).toMatchObject({
      status: 200,
      body: null,
    });
  });

  test.for([
    ["is malformed", '{"a":x}', /should be JSON\. The text is not valid JSON/],
    ["is nested too deeply", "[".repeat(300), /deeper than 256 levels/],
    ["is not UTF-8", Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
  ] as const)("fails the step if JSON %s", async ([, sent, message]) => {
    const far = await openAnswer(200, JSON_TYPE, sent);
    const failure = await actionFailure(request({ url: far.url }));
    expect(failure).toMatchObject({ code: "http.response-invalid", source: "code" });
    expect(failure.message).toMatch(message);
  });

  test("lists cookies one by one", async () => {
    const far = await open((_, response) => {
      response.setHeader("set-cookie", ["a=1; Path=/", "b=2"]);
      response.setHeader("x-a", ["1", "2"]);
      response.end();
    });
    expect(await request({ url: far.url })).toMatchObject({
      headers: { "set-cookie": ["a=1; Path=/", "b=2"], "x-a": "1, 2" },
    });
  });
});

describe("a status that http.request does not expect", () => {
  test("fails the step with status and body, and without the query", async () => {
    const far = await openAnswer(404, {}, "no such order");
    const failure = await actionFailure(
      request({ url: `${far.url}/x?key=hunter2`, method: "POST" }),
    );
    expect(failure.message).toBe(`POST ${far.url}/x answered 404`);
    expect(failure).toMatchObject({
      code: "http.status",
      source: "code",
      retryAfterMs: null,
      details: { status: 404, body: "no such order" },
    });
  });

  test("is any but 2xx, unless the step says otherwise", async () => {
    const far = await openAnswer(404, {}, "none");
    expect(await request({ url: far.url, expect: [200, 404] })).toMatchObject({ status: 404 });
    expect(await request({ url: far.url, expect: ["2xx", "4XX"] })).toMatchObject({ status: 404 });
    expect(await request({ url: far.url, expect: "404" })).toMatchObject({ status: 404 });
    expect((await actionFailure(request({ url: far.url, expect: 403 }))).code).toBe("http.status");
    const fine = await openAnswer(200, {});
    expect((await actionFailure(request({ url: fine.url, expect: [201] }))).code).toBe(
      "http.status",
    );
  });

  test("is not a redirect where the step expects one", async () => {
    const far = await openAnswer(302, { location: "http://10.0.0.1/" });
    expect(await request({ url: far.url, expect: ["3xx"] })).toMatchObject({
      status: 302,
      headers: { location: "http://10.0.0.1/" },
    });
  });

  test.for([408, 425, 429, 500, 501, 502, 503, 504])(
    "is no fault of the step if it is %i",
    async (status) => {
      const far = await openAnswer(status, { "retry-after": "7" });
      expect(await actionFailure(request({ url: far.url }))).toMatchObject({
        source: "infrastructure",
        retryAfterMs: 7_000,
      });
    },
  );

  test.for([400, 401, 403, 404, 409, 410, 422, 304])(
    "is the far side's word if it is %i",
    async (status) => {
      const far = await openAnswer(status, { "retry-after": "7" });
      expect(await actionFailure(request({ url: far.url }))).toMatchObject({
        source: "code",
        retryAfterMs: null,
      });
    },
  );

  test("may ask to wait until a date, but not for ever", async () => {
    const date = new Date(Date.now() + 90_000).toUTCString();
    const dated = await openAnswer(503, { "retry-after": date });
    const { retryAfterMs } = await actionFailure(request({ url: dated.url }));
    expect(retryAfterMs).toBeGreaterThan(60_000);
    expect(retryAfterMs).toBeLessThanOrEqual(90_000);
    for (const [sent, ms] of [
      ["Wed, 21 Oct 2015 07:28:00 GMT", 0],
      ["99999999999999999999", 86_400_000],
      ["soon", null],
      ["-5", null],
    ] as const) {
      const far = await openAnswer(503, { "retry-after": sent });
      const failure = await actionFailure(request({ url: far.url }));
      expect([sent, failure.retryAfterMs]).toEqual([sent, ms]);
    }
  });

  test("shows the first 2 KiB of a long body, whole characters only, and reads no more", async () => {
    const far = await open((_, response) => {
      response.writeHead(400);
      const write = (): void => {
        while (response.write(`x${"ü".repeat(8_191)}`));
      };
      response.on("drain", write);
      write();
    });
    const { details } = await actionFailure(request({ url: far.url }));
    expect(details).toEqual({ status: 400, body: `x${"ü".repeat(1_023)}` });
  });

  test("is told even if the body breaks off", async () => {
    const far = await open((request, response) => {
      response.writeHead(500, { "content-length": "100" });
      response.write("half", () => request.socket.destroy());
    });
    expect(await actionFailure(request({ url: far.url }))).toMatchObject({
      code: "http.status",
      details: { status: 500, body: "half" },
    });
  });

  test("never shows a secret, though the far side repeats it", async () => {
    const far = await open(({ headers }, response) => {
      response.writeHead(401);
      response.end(`${JSON.stringify(headers)} bearer hunter2hunter2, key abc-123-def`);
    });
    const inputs: JsonValue[] = [
      { auth: { bearer: "hunter2hunter2" } },
      { auth: { username: "ada", password: "hunter2hunter2" } },
      { headers: { authorization: "Bearer hunter2hunter2" } },
      { headers: { "X-Api-Key": "hunter2hunter2" } },
    ];
    for (const input of inputs) {
      const failure = await actionFailure(request({ url: far.url, ...(input as object) }));
      const shown = JSON.stringify([failure.message, failure.details, failure.stack]);
      expect(shown).toContain("[hidden]");
      expect(shown).not.toContain("hunter2");
      expect(shown).not.toContain(Buffer.from("ada:hunter2hunter2").toString("base64"));
      expect(shown).toContain("abc-123-def");
    }
  });

  test("never shows a secret that is a part of the path", async () => {
    const far = await openAnswer(403, {});
    const url = `${far.url}/services/T024BE7LD/pX9aB2cD4eF6gH8iJ0kL1mN3`;
    const failure = await actionFailure(request({ url, body: {} }));
    expect(failure.message).toBe(`POST ${far.url}/services/T024BE7LD/… answered 403`);
  });

  test("is an ActionError for any copy of the protocol", async () => {
    const far = await openAnswer(404, {});
    expect(ActionError.is(await actionFailure(request({ url: far.url })))).toBe(true);
  });
});
