import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * One that is free, and below those that systems give to outgoing connections: while nobody listens, a client could
 * otherwise be connected to itself.
 */
export async function findPort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen({ host: "127.0.0.1", port }, () => resolve(true));
    });
    await new Promise((resolve) => {
      server.close(resolve);
    });
    if (isFree) return port;
  }
}
