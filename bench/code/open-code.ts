import type { Engine } from "@millrace/engine";
import type { AnyWorkflow } from "@millrace/sdk";
import { createClient, type Client } from "@millrace/sdk/client";
import { createWorker, type Worker } from "@millrace/sdk/worker";
import { openEngine } from "../engine/open-engine.ts";
import type { Place } from "../engine/store.ts";

export interface OpenCodeOptions {
  readonly place: Place;
  readonly workflows: readonly AnyWorkflow[];
}

export interface OpenedCode extends AsyncDisposable {
  readonly engine: Engine;
  readonly client: Client;
  readonly worker: Worker;
}

/** An engine, its worker and a client, all in this process, as a program has them that embeds the engine. */
export async function openCode({ place, workflows }: OpenCodeOptions): Promise<OpenedCode> {
  const { engine, [Symbol.asyncDispose]: close } = await openEngine({ place });
  const worker = createWorker({ engine, workflows });
  await worker.start();
  return {
    engine,
    client: createClient({ engine }),
    worker,
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await close();
    },
  };
}
