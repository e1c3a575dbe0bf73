// A thread that serves HTTP and counts requests where another thread can see it without its own loop turning.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const count = new Int32Array(workerData as SharedArrayBuffer);
const server = createServer((request, response) => {
  const isBeat = request.method === "POST" && request.headers["x-api-key"] === "secret";
  if (isBeat && request.url === "/beat") Atomics.add(count, 0, 1);
  response.end("{}");
});
server.listen({ host: "127.0.0.1", port: 0 }, () => {
  // One that listens on a port has an address of this form.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage((server.address() as AddressInfo).port);
});
