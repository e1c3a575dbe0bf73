// Far sides that lie, dawdle or break off, on real sockets. No test waits for a time: each waits for the failure, and
// the caps are small so that it comes soon.
import type { Socket } from "node:net";
import { createBrotliCompress, createGzip, gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import {
  openFarSide,
  openRawSide,
  type FarSide,
  type FarSideOptions,
} from "../../../../tools/testkit/open-far-side.ts";
import { createGuard, type Guard, type GuardOptions } from "./guard.ts";

const SOON_MS = 60;
const MIB = 1024 * 1024;

function openGuard(options: Partial<GuardOptions> = {}): Guard {
  const guard = createGuard({ mode: "development", ...options });
  onTestFinished(() => guard.close());
  return guard;
}

async function open(
  listener: Parameters<typeof openFarSide>[0],
  options?: FarSideOptions,
): Promise<FarSide> {
  const side = await openFarSide(listener, options);
  onTestFinished(() => side[Symbol.asyncDispose]());
  return side;
}

async function openRaw(answer: (socket: Socket, head: string) => void): Promise<FarSide> {
  const side = await openRawSide(answer);
  onTestFinished(() => side[Symbol.asyncDispose]());
  return side;
}

/** Answers of a look-up, one a call, the last of them for ever. */
function lookupInTurn(...answers: readonly (readonly string[])[]): {
  readonly lookup: () => Promise<readonly string[]>;
  readonly callCount: () => number;
} {
  let count = 0;
  const lookup = (): Promise<readonly string[]> => {
    const answer = answers[Math.min(count, answers.length - 1)] ?? [];
    count += 1;
    return Promise.resolve(answer);
  };
  return { lookup, callCount: () => count };
}

/** Writes as fast as the other side reads, until it hangs up. */
async function writeForEver(socket: Socket, chunk: Buffer | string): Promise<void> {
  const closed = new Promise((resolve) => socket.once("close", resolve));
  while (!socket.destroyed) {
    if (socket.write(chunk)) continue;
    await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
  }
}

const readAll = async (guard: Guard, url: string, init?: RequestInit): Promise<string> => {
  const response = await guard.fetch(url, init);
  return response.text();
};

const OK = "HTTP/1.1 200 OK\r\n";

describe("DNS rebinding", () => {
  // 127.0.0.2 stands for an address that may be called, 127.0.0.1 for one that may not.
  const GOOD = "127.0.0.2";
  const BAD = "127.0.0.1";

  test("between check and connection finds no gap: there is one look-up a connection", async () => {
    const good = await open((_, response) => response.end("good"), { host: GOOD });
    const { lookup, callCount } = lookupInTurn([GOOD], [BAD]);
    const guard = openGuard({ mode: "production", allow: [GOOD], lookup });
    const url = `http://api.example.com:${good.port}/`;
    expect(await readAll(guard, url)).toBe("good");
    expect(callCount()).toBe(1);
  });

  test("between two connections is refused at the second", async () => {
    const good = await open(
      (_, response) => {
        response.setHeader("connection", "close");
        response.end("good");
      },
      { host: GOOD },
    );
    const { lookup, callCount } = lookupInTurn([GOOD], [BAD]);
    const guard = openGuard({ mode: "production", allow: [GOOD], lookup });
    const url = `http://api.example.com:${good.port}/`;
    expect(await readAll(guard, url)).toBe("good");
    const failure = await actionFailure(readAll(guard, url));
    expect(failure.code).toBe("outbound.refused");
    expect(callCount()).toBe(2);
  });

  test("by a second address among good ones is refused, whichever would be tried", async () => {
    const good = await open((_, response) => response.end("good"), { host: GOOD });
    const bad = await open((_, response) => response.end("bad"));
    for (const addresses of [
      [GOOD, BAD],
      [BAD, GOOD],
      [GOOD, "::ffff:7f00:1"],
      [GOOD, "no address"],
    ]) {
      const guard = openGuard({
        mode: "production",
        allow: [GOOD],
        lookup: () => Promise.resolve(addresses),
      });
      for (const { port } of [good, bad]) {
        const failure = await actionFailure(readAll(guard, `http://api.example.com:${port}/`));
        expect(failure.code).toBe("outbound.refused");
      }
    }
    expect([good.connectionCount, bad.connectionCount]).toEqual([0, 0]);
  });

  test("by a redirect to a name that has moved inside is refused", async () => {
    const inside = await open((_, response) => response.end("inside"));
    const far = await open(
      (_, response) => {
        response.writeHead(307, { location: `http://moved.example.com:${inside.port}/` });
        response.end();
      },
      { host: GOOD },
    );
    const { lookup } = lookupInTurn([GOOD], [BAD]);
    const guard = openGuard({ mode: "production", allow: [GOOD], lookup });
    const call = readAll(guard, `http://api.example.com:${far.port}/`, {
      method: "POST",
      body: "x",
    });
    expect((await actionFailure(call)).message).toContain("to which api.example.com");
    expect(inside.connectionCount).toBe(0);
  });
});

describe("a far side that dawdles", () => {
  test.for<[what: string, scheme: string, lookup: GuardOptions["lookup"]]>([
    ["its name", "http", () => new Promise(() => {})],
    ["a handshake", "https", undefined],
  ])("with %s is given up, and was sent nothing", async ([, scheme, lookup]) => {
    const far = await openRaw(() => {});
    const guard = openGuard({
      caps: { connectTimeoutMs: SOON_MS },
      ...(lookup !== undefined && { lookup }),
    });
    const failure = await actionFailure(readAll(guard, `${scheme}://localhost:${far.port}/`));
    expect(failure).toMatchObject({ code: "http.timeout", source: "infrastructure" });
    expect(failure.message).toContain(`Could not connect to localhost:${far.port} in time`);
  });

  test("with its headers is given up", async () => {
    const far = await openRaw((socket) => {
      socket.write(OK);
      const timer = setInterval(() => socket.write("x-more: 1\r\n"), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const guard = openGuard({ caps: { headersTimeoutMs: SOON_MS } });
    const failure = await actionFailure(readAll(guard, far.url));
    expect(failure).toMatchObject({ code: "http.timeout", source: "infrastructure" });
    expect(failure.message).toContain(`did not begin to answer within ${SOON_MS} ms`);
  });

  test("with a preliminary answer over and over is given up", async () => {
    const far = await openRaw((socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const guard = openGuard({ caps: { headersTimeoutMs: SOON_MS } });
    expect((await actionFailure(readAll(guard, far.url))).code).toBe("http.timeout");
  });

  test("in the middle of its body is given up", async () => {
    const far = await openRaw((socket) => socket.write(`${OK}content-length: 100\r\n\r\nfirst`));
    const guard = openGuard({ caps: { idleTimeoutMs: SOON_MS } });
    const failure = await actionFailure(readAll(guard, far.url));
    expect(failure).toMatchObject({ code: "http.timeout", source: "infrastructure" });
    expect(failure.message).toContain(`sent nothing more of its answer for ${SOON_MS} ms`);
  });

  test("a byte at a time is given up when the time for all of it is over", async () => {
    const far = await openRaw((socket) => {
      socket.write(`${OK}content-length: 1000000\r\n\r\n`);
      const timer = setInterval(() => socket.write("x"), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const guard = openGuard({ caps: { totalTimeoutMs: SOON_MS } });
    const failure = await actionFailure(readAll(guard, far.url));
    expect(failure.message).toContain(`was not done after ${SOON_MS} ms`);
  });

  test("by redirects that take their time is given up when the time for all of it is over", async () => {
    const far = await open((_, response) => {
      setTimeout(() => {
        response.writeHead(302, { location: "/again" });
        response.end();
      }, 20);
    });
    const guard = openGuard({ caps: { totalTimeoutMs: SOON_MS, maxRedirects: 1000 } });
    expect((await actionFailure(readAll(guard, far.url))).code).toBe("http.timeout");
  });

  test("with packed nothing, which unpacks to nothing for ever, is given up", async () => {
    const far = await openRaw((socket) => {
      const gzip = createGzip();
      socket.write(`${OK}content-encoding: gzip\r\nconnection: close\r\n\r\n`);
      gzip.pipe(socket, { end: false });
      const timer = setInterval(() => gzip.flush(), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const guard = openGuard({ caps: { idleTimeoutMs: SOON_MS } });
    expect((await actionFailure(readAll(guard, far.url))).code).toBe("http.timeout");
  });

  test("is given less time by a call that asks for less, and no more by one that asks for more", async () => {
    const far = await open(() => {});
    const patient = openGuard();
    const hasty = openGuard({ caps: { totalTimeoutMs: SOON_MS } });
    for (const fetch of [
      patient.withCaps({ totalTimeoutMs: SOON_MS }),
      hasty.withCaps({ totalTimeoutMs: 60_000 }),
    ]) {
      expect((await actionFailure(fetch(far.url))).code).toBe("http.timeout");
    }
  });

  test("does not count the time in which nobody reads", async () => {
    const far = await open((_, response) => response.end("x".repeat(MIB)));
    const dawdling = await openRaw((socket) => socket.write(`${OK}content-length: 100\r\n\r\n`));
    // Far more than an answer of this machine takes, however busy it is.
    const guard = openGuard({ caps: { headersTimeoutMs: 500, idleTimeoutMs: 500 } });
    const unread = await guard.fetch(far.url);
    const begun = await guard.fetch(far.url);
    const reader = begun.body?.getReader();
    await reader?.read();
    // When this one has been idle for too long, the others have been so for longer.
    await actionFailure(readAll(guard, dawdling.url));
    expect(await unread.text()).toHaveLength(MIB);
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
  });
});

describe("a far side that sends too much", () => {
  test("for ever is cut off, and so is its connection", async () => {
    const sent = Promise.withResolvers<void>();
    const far = await openRaw((socket) => {
      socket.write(`${OK}connection: close\r\n\r\n`);
      void writeForEver(socket, "x".repeat(65_536)).then(sent.resolve);
    });
    const guard = openGuard({ caps: { maxResponseBytes: 100_000 } });
    const failure = await actionFailure(readAll(guard, far.url));
    expect(failure).toMatchObject({ code: "http.response-too-large", source: "definition" });
    expect(failure.message).toContain("has more than 100000 bytes");
    await sent.promise;
  });

  test("by its own account is cut off before it sends", async () => {
    const far = await openRaw((socket) => socket.write(`${OK}content-length: 100001\r\n\r\n`));
    const guard = openGuard({ caps: { maxResponseBytes: 100_000 } });
    const failure = await actionFailure(guard.fetch(far.url));
    expect(failure.code).toBe("http.response-too-large");
  });

  test("is allowed what it may send, to the byte", async () => {
    const far = await open((_, response) => {
      response.setHeader("content-length", 1000);
      response.end("x".repeat(1000));
    });
    const guard = openGuard();
    const exact = await guard.withCaps({ maxResponseBytes: 1000 })(far.url);
    expect(await exact.text()).toHaveLength(1000);
    const failure = await actionFailure(guard.withCaps({ maxResponseBytes: 999 })(far.url));
    expect(failure.code).toBe("http.response-too-large");
    expect((await guard.fetch(far.url, { method: "HEAD" })).headers.get("content-length")).toBe(
      "1000",
    );
  });

  test.for([
    ["gzip", createGzip],
    ["br", createBrotliCompress],
  ] as const)("as a %s bomb is cut off long before it is unpacked", async ([encoding, create]) => {
    const far = await open((_, response) => {
      response.setHeader("content-encoding", encoding);
      const packer = create();
      packer.pipe(response);
      const zeros = Buffer.alloc(MIB);
      for (let i = 0; i < 32; i++) packer.write(zeros);
      packer.end();
    });
    const big = await actionFailure(readAll(openGuard(), far.url));
    expect(big.code).toBe("http.response-too-large");
    const guard = openGuard({ caps: { maxResponseBytes: 1024 * MIB } });
    const failure = await actionFailure(readAll(guard, far.url));
    expect(failure).toMatchObject({ code: "http.response-too-large", source: "definition" });
    expect(failure.message).toContain("unpacks to more than 100 times its size");
  });

  test("is not taken for a bomb where little is packed tightly, or much of it loosely", async () => {
    const little = "0".repeat(MIB - 1);
    const much = Array.from({ length: 300_000 }, (_, i) => `${(i * 7919) % 104_729};`).join("");
    for (const text of [little, much]) {
      const packed = gzipSync(text);
      const far = await open((_, response) => {
        response.setHeader("content-encoding", "gzip");
        response.end(packed);
      });
      expect(await readAll(openGuard(), far.url)).toBe(text);
    }
  });

  test("packed so that it grows is cut off by its size on the wire", async () => {
    const far = await openRaw((socket) => {
      socket.write(`${OK}content-encoding: gzip\r\nconnection: close\r\n\r\n`);
      // A gzip header whose file name never ends.
      socket.write(Buffer.from("1f8b08080000000000ff", "hex"));
      void writeForEver(socket, "n".repeat(65_536));
    });
    const guard = openGuard({ caps: { maxResponseBytes: 100_000 } });
    expect((await actionFailure(readAll(guard, far.url))).code).toBe("http.response-too-large");
  });

  test("in its headers is cut off", async () => {
    const far = await openRaw((socket) => {
      socket.write(OK);
      void writeForEver(socket, `x-more: ${"x".repeat(1000)}\r\n`);
    });
    const failure = await actionFailure(openGuard().fetch(far.url));
    expect(failure).toMatchObject({ code: "http.response-too-large", source: "definition" });
    expect(failure.message).toContain("more than 16384 bytes of headers");
  });
});

describe("a far side that breaks off", () => {
  test.for<[when: string, answer: (socket: Socket) => void, code: string]>([
    ["without an answer", (socket) => socket.destroy(), "http.unreachable"],
    ["by a reset", (socket) => socket.resetAndDestroy(), "http.unreachable"],
    ["within its headers", (socket) => socket.end(`${OK}content-`), "http.unreachable"],
    [
      "before its length is full",
      (it) => it.end(`${OK}content-length: 9\r\n\r\nx`),
      "http.unreachable",
    ],
    [
      "by a reset within its body",
      (socket) => {
        socket.write(`${OK}content-length: 9\r\n\r\nx`, () => socket.resetAndDestroy());
      },
      "http.unreachable",
    ],
    [
      "within a chunk",
      (socket) => socket.end(`${OK}transfer-encoding: chunked\r\n\r\nff\r\nx`),
      "http.unreachable",
    ],
    ["to speak another protocol", (socket) => socket.end("SSH-2.0-x\r\n"), "http.response-invalid"],
    [
      "from its encoding",
      (socket) => socket.end(`${OK}content-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope`),
      "http.response-invalid",
    ],
    [
      "from its chunks",
      (socket) => socket.end(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\nx`),
      "http.response-invalid",
    ],
    [
      "from HTTP with two lengths",
      (socket) => socket.end(`${OK}content-length: 1\r\ncontent-length: 9\r\n\r\nx`),
      "http.unreachable",
    ],
  ])("%s fails the call", async ([, answer, code]) => {
    const far = await openRaw(answer);
    const failure = await actionFailure(readAll(openGuard(), `${far.url}/?key=hunter2`));
    const isBroken = code === "http.unreachable";
    expect(failure).toMatchObject({ code, source: isBroken ? "infrastructure" : "code" });
    expect(failure.message).not.toContain("hunter2");
    expect(/broke off before its answer was complete.*not known$/.test(failure.message)).toBe(
      isBroken,
    );
  });

  test("before it was reached is known not to have acted", async () => {
    const far = await openFarSide(() => {});
    await far[Symbol.asyncDispose]();
    const failure = await actionFailure(openGuard().fetch(far.url, { method: "POST", body: "x" }));
    expect(failure).toMatchObject({ code: "http.unreachable", source: "infrastructure" });
    expect(failure.message).toBe(`Could not connect to 127.0.0.1:${far.port} (ECONNREFUSED)`);
    const lookup = (): Promise<readonly string[]> => Promise.resolve([]);
    const gone = await actionFailure(openGuard({ lookup }).fetch("http://gone.example.com/"));
    expect(gone.message).toBe("Could not connect to gone.example.com (ENOTFOUND)");
  });

  test("from the rules by a second answer cannot slip it to the next call", async () => {
    let count = 0;
    const far = await openRaw((socket) => {
      count += 1;
      const body = `call ${count}`;
      const answer = `${OK}content-length: ${body.length}\r\n\r\n${body}`;
      socket.write(count === 1 ? `${answer}${OK}content-length: 4\r\n\r\nevil` : answer);
    });
    const guard = openGuard();
    expect(await readAll(guard, far.url)).toBe("call 1");
    expect(await readAll(guard, far.url)).toBe("call 2");
  });

  test("by a status out of range fails the call", async () => {
    const far = await openRaw((socket) =>
      socket.end("HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n"),
    );
    const failure = await actionFailure(openGuard().fetch(far.url));
    expect(failure.code).toBe("http.response-invalid");
  });
});

describe("a caller that gives up", () => {
  test("in the middle of a body frees the connection", async () => {
    const closed = Promise.withResolvers<void>();
    const far = await openRaw((socket) => {
      socket.on("close", () => closed.resolve());
      socket.write(`${OK}content-length: 100\r\n\r\nfirst`);
    });
    const control = new AbortController();
    const response = await openGuard().fetch(far.url, { signal: control.signal });
    const reading = response.text();
    const reason = new Error("the run was cancelled");
    control.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await closed.promise;
  });

  test("on the body of a redirect frees the connection, and goes on", async () => {
    const closed = Promise.withResolvers<string>();
    const good = await open((_, response) => response.end("good"));
    const far = await openRaw((socket) => {
      socket.on("close", () => closed.resolve("closed"));
      socket.write(`HTTP/1.1 302 Found\r\nlocation: ${good.url}\r\ncontent-length: 100\r\n\r\nx`);
    });
    expect(await readAll(openGuard(), far.url)).toBe("good");
    expect(await closed.promise).toBe("closed");
  });

  test("on a body by cancelling it frees the connection", async () => {
    const closed = Promise.withResolvers<string>();
    const far = await openRaw((socket) => {
      socket.on("close", () => closed.resolve("closed"));
      socket.write(`${OK}content-length: 100\r\n\r\nfirst`);
    });
    const response = await openGuard().fetch(far.url);
    await response.body?.cancel();
    expect(await closed.promise).toBe("closed");
  });
});
