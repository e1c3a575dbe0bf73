// Against a server that says what the test tells it to; the real one is in `worker-over-http.test.ts` of `millrace`.
import type { HostCommand, MillraceError, WorkerLink, WorkerOffer } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openCaller } from "../client/create-client.ts";
import type { Pace } from "../client/pace.ts";
import { HttpWorkerTransport } from "./http-worker-transport.ts";

const OFFER: WorkerOffer = { name: "w", workflows: [], functions: [], slots: 1, labels: {} };
const PACE: Pace = {
  nowMs: () => 0,
  random: () => 0,
  sleep: (_, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else setImmediate(resolve);
    }),
};

interface Stream {
  /** Of the last command that the worker had. */
  readonly after: number;
  say(text: string): void;
  end(): void;
}

class FakeServer {
  /** Bodies of attachments. */
  readonly attachments: { readonly instance: string }[] = [];
  readonly received: HostCommand[] = [];
  readonly lost: string[] = [];
  lostAnswers = 0;
  heartbeatSeconds = 60;
  readonly transport: HttpWorkerTransport;
  readonly #streams: Stream[] = [];
  #awaited: ((stream: Stream) => void)[] = [];

  constructor() {
    const open = openCaller(
      { url: "http://localhost", fetch: this.#fetch, retryForMs: Infinity },
      PACE,
    );
    const startHeart = (): { stop(): void } => ({ stop: () => undefined });
    this.transport = new HttpWorkerTransport({ ...open, startHeart, silenceMs: 1 });
  }

  attach(): Promise<WorkerLink> {
    return this.transport.attach(
      OFFER,
      (commands) => this.received.push(...commands),
      (error: MillraceError) => this.lost.push(error.code),
    );
  }

  /** The next one that the worker opens. */
  stream(): Promise<Stream> {
    const waiting = this.#streams.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve) => this.#awaited.push(resolve));
  }

  readonly #fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (request.method === "GET") return this.#open(Number(url.searchParams.get("after")), request);
    if (url.pathname.endsWith("/workers")) {
      // The transport is what is tested; this is what it sends.
      this.attachments.push((await request.json()) as { readonly instance: string });
      if (this.lostAnswers-- > 0) throw new TypeError("fetch failed");
    }
    const data = { workerId: "wkr_1", heartbeatSeconds: this.heartbeatSeconds };
    return Response.json({ success: true, data });
  };

  #open(after: number, { signal }: Request): Response {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        signal.addEventListener("abort", () => controller.error(signal.reason));
        const stream: Stream = {
          after,
          say: (text) => controller.enqueue(encoder.encode(text)),
          end: () => controller.close(),
        };
        const awaited = this.#awaited.shift();
        if (awaited === undefined) this.#streams.push(stream);
        else awaited(stream);
      },
    });
    return new Response(body);
  }
}

const command = (call: string): HostCommand => ({ type: "abort-call", call, reason: "" });
const event = (number: number): string =>
  `id: ${number}\ndata: ${JSON.stringify(command(`${number}`))}\n\n`;

describe("a worker's way over HTTP", () => {
  test("takes each command once, whatever comes again", async () => {
    const server = new FakeServer();
    const link = await server.attach();
    const first = await server.stream();
    first.say(`:\n\n${event(1)}${event(2)}`);
    first.end();
    const second = await server.stream();
    expect([first.after, second.after]).toEqual([0, 2]);
    second.say(`${event(1)}${event(2)}${event(3)}`);
    second.end();
    expect((await server.stream()).after).toBe(3);
    expect(server.received).toEqual([command("1"), command("2"), command("3")]);
    await link.close();
  });

  test("is lost when a command is missing", async () => {
    const server = new FakeServer();
    await server.attach();
    (await server.stream()).say(event(2));
    await expect.poll(() => server.lost).toEqual(["worker.out-of-order"]);
    expect(server.received).toEqual([]);
  });

  test("leaves a stream on which nothing comes, not even a comment", async () => {
    const server = new FakeServer();
    server.heartbeatSeconds = 0.01;
    const link = await server.attach();
    await server.stream();
    expect((await server.stream()).after).toBe(0);
    await link.close();
    expect(server.lost).toEqual([]);
  });

  test("repeats an attachment whose answer was lost, and draws a new one for the next", async () => {
    const server = new FakeServer();
    server.lostAnswers = 2;
    const links = [await server.attach(), await server.attach()];
    const [first, second, third, other] = server.attachments.map(({ instance }) => instance);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
    await Promise.all(links.map((link) => link.close()));
  });

  test("says and hears nothing more when it is closed", async () => {
    const server = new FakeServer();
    const link = await server.attach();
    await server.stream();
    await link.close();
    await link.close();
    await expect(link.report([{ type: "idle", session: "s", sequence: 1 }])).rejects.toMatchObject({
      code: "worker.lost",
    });
    expect(server.lost).toEqual([]);
  });
});
