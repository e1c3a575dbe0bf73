// Entry of the heartbeat's thread.
import { parentPort, workerData } from "node:worker_threads";
import { Heartbeat, type Asked, type HeartbeatOptions } from "./heartbeat.ts";
import { toStorageError } from "./errors.ts";
import type { Answer } from "./session.ts";

if (parentPort === null) throw new Error("this file is the entry of a thread");
const port = parentPort;
const say = (answer: Answer): void => port.postMessage(answer);

// Written by `openSession`, of the same version as this file.
const heartbeat = new Heartbeat(workerData as HeartbeatOptions, (text) =>
  say({ kind: "heard", text }),
);

port.on("message", ({ id, asked }: { readonly id: number; readonly asked: Asked }) => {
  heartbeat
    .answer(asked)
    .then(
      (row) => say({ kind: "row", id, row }),
      (error: unknown) => {
        const { code, message } = toStorageError(error);
        say({ kind: "error", id, code, message });
      },
    )
    .finally(() => {
      if (asked.kind === "close") port.close();
    });
});
