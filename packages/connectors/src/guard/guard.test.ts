import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { openFarSide, type FarSide } from "../../../../tools/testkit/open-far-side.ts";
import { makeSelfSigned } from "../../../../tools/testkit/self-signed.ts";
import { createGuard, type Guard, type GuardOptions } from "./guard.ts";

function openGuard(options: Partial<GuardOptions> = {}): Guard {
  const guard = createGuard({ mode: "development", ...options });
  onTestFinished(() => guard.close());
  return guard;
}

/** Answers with what it was sent, as JSON. */
async function openEcho(): Promise<FarSide> {
  const side = await openFarSide((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const { method, url, headers } = request;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ method, url, headers, body }));
    });
  });
  onTestFinished(() => side[Symbol.asyncDispose]());
  return side;
}

/** Sends everything to `location`. */
async function openRedirect(location: string, status = 302): Promise<FarSide> {
  const side = await openFarSide((_, response) => {
    response.writeHead(status, { location });
    response.end("elsewhere");
  });
  onTestFinished(() => side[Symbol.asyncDispose]());
  return side;
}

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

// The echo says nothing else.
const readEcho = async (response: Response): Promise<Echoed> => (await response.json()) as Echoed;

describe("a guard's fetch", () => {
  test("sends what it is given and gives back status, headers and body", async () => {
    const far = await openEcho();
    const response = await openGuard().fetch(`${far.url}/orders?page=2`, {
      method: "post",
      headers: { "x-shop": "north" },
      body: JSON.stringify({ total: 3 }),
    });
    expect(response.status).toBe(200);
    expect(response.url).toBe(`${far.url}/orders?page=2`);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await readEcho(response)).toMatchObject({
      method: "POST",
      url: "/orders?page=2",
      headers: { "x-shop": "north", "content-length": "11" },
      body: '{"total":3}',
    });
  });

  test.for<[kind: string, body: RequestInit["body"], contentType: RegExp, sent: RegExp]>([
    ["text", "a", /^text\/plain;charset=UTF-8$/, /^a$/],
    ["a form", new URLSearchParams({ a: "1 2" }), /urlencoded/, /^a=1\+2$/],
    ["parts", formOf({ a: "1" }), /^multipart\/form-data; boundary=/, /name="a"\r\n\r\n1\r\n/],
    ["a blob", new Blob(["x"], { type: "image/png" }), /^image\/png$/, /^x$/],
  ])("sends %s as Node's own fetch does", async ([, body, contentType, sent]) => {
    const far = await openEcho();
    const echo = await readEcho(
      await openGuard().fetch(far.url, { method: "POST", body: body ?? null }),
    );
    expect(echo.headers["content-type"]).toMatch(contentType);
    expect(echo.body).toMatch(sent);
  });

  test("takes a Request, as libraries make them", async () => {
    const far = await openEcho();
    const request = new Request(far.url, { method: "PUT", headers: { a: "b" }, body: "text" });
    const echo = await readEcho(await openGuard().fetch(request));
    expect(echo).toMatchObject({ method: "PUT", headers: { a: "b" }, body: "text" });
  });

  test("counts the body itself, whatever length it is told", async () => {
    const far = await openEcho();
    const init = { method: "POST", body: "abc", headers: { "Content-Length": "3000" } };
    const echo = await readEcho(await openGuard().fetch(far.url, init));
    expect(echo).toMatchObject({ body: "abc", headers: { "content-length": "3" } });
  });

  test("does not look at proxies that the environment names", async () => {
    const far = await openEcho();
    process.env["HTTP_PROXY"] = "http://127.0.0.1:9";
    onTestFinished(() => {
      delete process.env["HTTP_PROXY"];
    });
    expect((await openGuard().fetch(far.url)).status).toBe(200);
  });

  test.for([
    ["file:///etc/passwd", "a file: URL: file: is not possible, only http: and https: are"],
    ["gopher://example.com:70/1", "example.com:70: gopher: is not possible"],
    ["unix:/run/x.sock", "a unix: URL: unix: is not possible"],
    ["data:text/plain,x", "a data: URL: data: is not possible"],
    ["http://ada:hunter2@example.com/", "example.com: its URL has a user name or password"],
    ["http://hunter2@example.com/", "example.com: its URL has a user name or password"],
    ["http://example.com:25/", "example.com:25: the port 25 belongs to another protocol"],
    ["http://example.com:0/", "example.com:0: the port 0 belongs to another protocol"],
    ["http://[::ffff:7f00:1]/", "[::ffff:7f00:1]: its address is this machine's own"],
    ["http://0x7f.1/", "127.0.0.1: its address is this machine's own"],
    ["http://2130706433/", "127.0.0.1: its address is this machine's own"],
    ["http://0177.0.0.1/", "127.0.0.1: its address is this machine's own"],
    ["http://127.1/", "127.0.0.1: its address is this machine's own"],
    ["http://[::1]/", "[::1]: its address is this machine's own"],
    ["http://localhost./", "localhost.: its address is this machine's own"],
    ["http://shop.localhost/", "shop.localhost: its address is this machine's own"],
    ["http://①②⑦.⓪.⓪.①/", "127.0.0.1: its address is this machine's own"],
    ["http://0.0.0.0/", "0.0.0.0: its address is not one of the public internet"],
    ["http://[::]/", "[::]: its address is not one of the public internet"],
    ["http://169.254.169.254/latest", "169.254.169.254: its address is a metadata service's"],
    ["http://[64:ff9b::a9fe:a9fe]/", "its address is not one of the public internet"],
    ["http://[2002:7f00:1::]/", "its address is not one of the public internet"],
    ["http://10.0.0.1/", "10.0.0.1: its address is private"],
    ["not a URL", "a URL: it is not one"],
  ] as const)("refuses %s in production", async ([url, reason]) => {
    const failure = await actionFailure(openGuard({ mode: "production" }).fetch(url));
    expect(failure).toMatchObject({ code: "outbound.refused", source: "definition" });
    expect(failure.message).toMatch(/^Refused to call /);
    expect(failure.message).toContain(reason);
    expect(failure.message).not.toContain("hunter2");
  });

  test("makes no connection to this machine in production, however it is called", async () => {
    const far = await openEcho();
    const guard = openGuard({ mode: "production" });
    for (const host of [
      "127.0.0.1",
      "localhost",
      "localhost.",
      "[::ffff:127.0.0.1]",
      "2130706433",
    ]) {
      const failure = await actionFailure(guard.fetch(`http://${host}:${far.port}/`));
      expect([host, failure.code]).toEqual([host, "outbound.refused"]);
    }
    expect(far.connectionCount).toBe(0);
  });

  test("reaches a host on the allow-list in production", async () => {
    const far = await openEcho();
    const guard = openGuard({ mode: "production", allow: [`localhost:${far.port}`] });
    expect((await guard.fetch(`http://localhost:${far.port}/`)).status).toBe(200);
    const other = await openEcho();
    const failure = await actionFailure(guard.fetch(`http://localhost:${other.port}/`));
    expect(failure.code).toBe("outbound.refused");
  });

  test.for([
    ["a name that is no token", { "x y": "1" }, '"x y" cannot be the name of a header'],
    ["a line break in a name", { "x\r\ny": "1" }, '"x\\r\\ny" cannot be the name of a header'],
    ["a line break in a value", { "x-key": "hunter2\r\nhost: evil" }, "the header x-key has"],
    ["a line feed alone", { "x-key": "hunter2\nx" }, "the header x-key has"],
    ["NUL", { "x-key": "hunter2\0" }, "the header x-key has characters"],
    ["letters beyond Latin-1", { "x-key": "hunter2 …" }, "the header x-key has characters"],
    ["a host", { Host: "hunter2.example.com" }, "the header Host cannot be set by hand"],
    ["a transfer encoding", { "transfer-encoding": "chunked" }, "cannot be set by hand"],
    ["a connection", { Connection: "close, x-key" }, "cannot be set by hand"],
    ["an upgrade", { upgrade: "h2c" }, "cannot be set by hand"],
    ["credentials of a proxy", { "proxy-authorization": "hunter2" }, "cannot be set by hand"],
    ["an expectation", { expect: "100-continue" }, "cannot be set by hand"],
  ] as const)("refuses %s among headers, before it connects", async ([, headers, reason]) => {
    const far = await openEcho();
    const asPairs = Object.entries(headers).map(([name, value]): [string, string] => [name, value]);
    for (const init of [headers, asPairs]) {
      const failure = await actionFailure(openGuard().fetch(far.url, { headers: init }));
      expect(failure).toMatchObject({ code: "outbound.refused", source: "definition" });
      expect(failure.message).toContain(reason);
      expect(failure.message).not.toContain("hunter2");
    }
    expect(far.connectionCount).toBe(0);
  });

  test.for(["TRACE", "CONNECT", "track"])("refuses the method %s", async (method) => {
    const failure = await actionFailure(openGuard().fetch("http://localhost/", { method }));
    expect(failure.message).toContain(`the method ${method.toUpperCase()} is not possible`);
  });

  test("throws what its caller's signal says", async () => {
    const reason = new Error("the run was cancelled");
    const far = await openFarSide(() => {});
    onTestFinished(() => far[Symbol.asyncDispose]());
    const guard = openGuard();
    const early = guard.fetch(far.url, { signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
    expect(far.connectionCount).toBe(0);
    const control = new AbortController();
    const late = guard.fetch(far.url, { signal: control.signal });
    control.abort(reason);
    await expect(late).rejects.toBe(reason);
  });
});

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

describe("a guard that is redirected", () => {
  test.for([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [307, "POST", "POST", "order"],
    [308, "PATCH", "PATCH", "order"],
    [302, "PUT", "PUT", "order"],
  ] as const)("by %i with %s goes on with %s", async ([status, method, then, body]) => {
    const echo = await openEcho();
    const far = await openRedirect(`${echo.url}/there`, status);
    const response = await openGuard().fetch(far.url, { method, body: "order" });
    expect(response.url).toBe(`${echo.url}/there`);
    const echoed = await readEcho(response);
    expect(echoed).toMatchObject({ method: then, url: "/there", body });
    expect(echoed.headers["content-type"] === undefined).toBe(body === "");
  });

  test("keeps headers within an origin, and drops all that may be secret across origins", async () => {
    const echo = await openEcho();
    const headers = {
      authorization: "Bearer hunter2",
      cookie: "a=hunter2",
      "x-api-key": "hunter2",
      accept: "application/json",
      "idempotency-key": "k1",
    };
    const far = await openRedirect(echo.url);
    const { headers: across } = await readEcho(await openGuard().fetch(far.url, { headers }));
    expect(across).toMatchObject({ accept: "application/json", "idempotency-key": "k1" });
    expect(JSON.stringify(across)).not.toContain("hunter2");
    const home: FarSide = await openFarSide(({ url, headers }, response) => {
      if (url === "/") response.writeHead(302, { location: "/there" });
      response.end(JSON.stringify({ headers }));
    });
    onTestFinished(() => home[Symbol.asyncDispose]());
    const { headers: within } = await readEcho(
      await openGuard().fetch(`${home.url}/`, { headers }),
    );
    expect(within).toMatchObject(headers);
  });

  test.for([
    ["http://169.254.169.254/latest/", "Refused to call 169.254.169.254, to which 127.0.0.1:"],
    ["http://10.0.0.1/", "its address is private"],
    ["file:///etc/passwd", "redirect of 127.0.0.1:"],
    ["gopher://example.com/", "gopher: is not possible"],
    ["http://ada:hunter2@example.com/", "its URL has a user name or password"],
    ["http://example.com:25/", "the port 25 belongs to another protocol"],
    ["http://:bad", "it leads to something that is not a URL"],
  ] as const)("to %s refuses", async ([location, reason]) => {
    const far = await openRedirect(location);
    const failure = await actionFailure(openGuard().fetch(`${far.url}/?key=hunter2`));
    expect(failure).toMatchObject({ code: "outbound.refused", source: "definition" });
    expect(failure.message).toContain(reason);
    expect(failure.message).not.toContain("hunter2");
  });

  test("in a circle stops after five", async () => {
    let count = 0;
    const far = await openFarSide((_, response) => {
      count += 1;
      response.writeHead(302, { location: "/again" });
      response.end();
    });
    onTestFinished(() => far[Symbol.asyncDispose]());
    const failure = await actionFailure(openGuard().fetch(far.url));
    expect(failure.message).toMatch(/^Refused to follow a redirect of .*: there were more than 5$/);
    expect(count).toBe(6);
  });

  test("from https to http refuses, and trusts certificates for the name, not the address", async () => {
    const tls = makeSelfSigned("api.example.com");
    const echo = await openEcho();
    const far = await openFarSide(
      ({ url }, response) => {
        if (url === "/down") response.writeHead(302, { location: echo.url });
        response.end("safe");
      },
      { tls },
    );
    onTestFinished(() => far[Symbol.asyncDispose]());
    const guard = openGuard({ ca: [tls.cert], lookup: () => Promise.resolve(["127.0.0.1"]) });
    const good = await guard.fetch(`https://api.example.com:${far.port}/`);
    expect(await good.text()).toBe("safe");
    const down = await actionFailure(guard.fetch(`https://api.example.com:${far.port}/down`));
    expect(down.message).toContain("it leads from https: down to http:");
    const other = await actionFailure(guard.fetch(`https://other.example.com:${far.port}/`));
    expect(other).toMatchObject({ code: "http.unreachable", source: "infrastructure" });
    expect(other.message).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
    const bare = await actionFailure(openGuard().fetch(far.url));
    expect(bare.message).toMatch(/^Could not connect to .* \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/);
  });

  test("hands the redirect out, or refuses it, if its caller wants that", async () => {
    const far = await openRedirect("http://10.0.0.1/");
    const manual = await openGuard().fetch(far.url, { redirect: "manual" });
    expect([manual.status, manual.headers.get("location")]).toEqual([302, "http://10.0.0.1/"]);
    expect(await manual.text()).toBe("elsewhere");
    const failure = await actionFailure(openGuard().fetch(far.url, { redirect: "error" }));
    expect(failure.message).toContain("this call follows none");
  });
});

describe("a guard's resolve", () => {
  test("gives a checked address, for any port", async () => {
    const guard = openGuard({ lookup: () => Promise.resolve(["127.0.0.1", "::1"]) });
    expect(await guard.resolve("mail.example.com", 25)).toEqual({
      address: "127.0.0.1",
      family: 4,
    });
    expect(await guard.resolve("::1", 25)).toEqual({ address: "::1", family: 6 });
  });

  test("refuses and fails as fetch does", async () => {
    const lookup = (host: string): Promise<readonly string[]> =>
      host === "gone.example.com" ? Promise.resolve([]) : Promise.resolve(["8.8.8.8", "10.0.0.1"]);
    const guard = openGuard({ mode: "production", lookup });
    const refused = await actionFailure(guard.resolve("mail.example.com", 587));
    expect(refused).toMatchObject({
      code: "outbound.refused",
      message: "Refused to call mail.example.com:587: its address is private",
    });
    const literal = await actionFailure(guard.resolve("127.0.0.1", 25));
    expect(literal.code).toBe("outbound.refused");
    const gone = await actionFailure(guard.resolve("gone.example.com", 587));
    expect(gone).toMatchObject({ code: "outbound.unreachable", source: "infrastructure" });
  });
});

describe("the options of a guard", () => {
  test.for<[options: object, message: string]>([
    [{ mode: "dev" }, 'mode must be "development" or "production"'],
    [{ mode: "production", alow: [] }, 'There is no option "alow". Did you mean "allow"?'],
    [
      { mode: "production", caps: { maxRatios: 1 } },
      'no cap "maxRatios". Did you mean "maxRatio"?',
    ],
    [{ mode: "production", caps: { idleTimeoutMs: 0 } }, "idleTimeoutMs must be a whole number"],
    [{ mode: "production", caps: { maxRedirects: -1 } }, "of at least 0, received -1"],
    [{ mode: "production", allow: ["*"] }, 'The allow-list has "*"'],
  ])("%j are refused", ([options, message]) => {
    // What a caller without types may write.
    expect(() => createGuard(options as GuardOptions)).toThrow(message);
  });
});

describe("a guard that is closed", () => {
  test("calls nobody any more, whether or not it ever did", async () => {
    const guard = createGuard({ mode: "development" });
    await guard.close();
    const failure = await actionFailure(guard.fetch("http://127.0.0.1:9999/"));
    expect(failure).toMatchObject({ code: "http.unreachable", message: "The guard is closed" });
  });
});
