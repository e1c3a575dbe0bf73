import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below those that Linux and macOS give to connections that go out: they would take a server's while it is down. */
const FIRST = 10_240;
const LAST = 32_000;

/** A port of 127.0.0.1 on which nobody listens now. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}
