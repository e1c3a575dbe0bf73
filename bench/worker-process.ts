// Entry of a worker's process: executes the code workflow of three steps for a server. Started by `server/worker.ts`.
import { createWorker } from "@millrace/sdk/worker";
import { threeSteps } from "./code/three-steps.ts";
import type { WorkerOrder } from "./server/worker.ts";

async function work({ url, key, slots }: WorkerOrder): Promise<void> {
  const worker = createWorker({ url, key, slots, workflows: [threeSteps] });
  // Whatever the next message says: it is the last. This process has nothing else to do then, and ends.
  process.once("message", () => {
    void worker.stop().then(() => process.disconnect());
  });
  await worker.start();
  process.send?.("attached");
}

// The parent has gone, or has been answered.
process.once("disconnect", () => setImmediate(() => process.exit()));
process.once("message", (order: WorkerOrder) => void work(order));
