// The thread's side of `heartbeat.ts`. Nothing waits for it, and it ends with its process.
import { workerData } from "node:worker_threads";
import type { HeartbeatThreadData } from "./heartbeat.ts";

// `heartbeat.ts` alone starts it.
const { url, headers, everyMs, silenceMs, pulse } = workerData as HeartbeatThreadData;
const count = new Int32Array(pulse);
let seen = Atomics.load(count, 0);
let seenAtMs = performance.now();

setInterval(() => void beat(), everyMs);

async function beat(): Promise<void> {
  const now = Atomics.load(count, 0);
  if (now !== seen) {
    seen = now;
    seenAtMs = performance.now();
  }
  if (performance.now() - seenAtMs > silenceMs) return;
  try {
    // Late ones are of no use: the next is on its way.
    const signal = AbortSignal.timeout(everyMs);
    const response = await fetch(url, { method: "POST", headers, body: "{}", signal });
    await response.body?.cancel();
  } catch {
    // The main loop finds out by itself what is wrong with the server.
  }
}
