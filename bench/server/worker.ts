// A worker elsewhere, as `createWorker({ url, key })` makes it: in a process of its own, over loopback.
import { fork } from "node:child_process";
import { once } from "node:events";
import { ownProcess } from "../processes.ts";
import type { Server } from "./server.ts";

/** To the worker's process. */
export interface WorkerOrder {
  readonly url: string;
  readonly key: string;
  readonly slots: number;
}

const ENTRY = new URL("../worker-process.ts", import.meta.url);

export const toUrl = ({ port }: Pick<Server, "port">): string => `http://127.0.0.1:${port}`;

/** Resolves when it is attached; it drains when it is disposed. @throws it ends before */
export async function startWorker(
  server: Pick<Server, "port" | "key">,
  slots: number,
): Promise<AsyncDisposable> {
  const child = fork(ENTRY);
  ownProcess(child);
  const closed = once(child, "close");
  const order: WorkerOrder = { url: toUrl(server), key: server.key, slots };
  child.send(order);
  const attached = once(child, "message");
  const early = closed.then(() => Promise.reject(new Error("the worker's process ended early")));
  await Promise.race([attached, early]);
  early.catch(() => undefined);
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.send("stop");
      await closed;
    },
  };
}
