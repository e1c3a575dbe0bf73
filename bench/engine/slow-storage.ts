import { setTimeout as pause } from "node:timers/promises";
import type { Storage } from "./store.ts";

/** The same store, further away: each commit is answered `delayMs` after it is durable, as over a network. */
export function createSlowStorage(storage: Storage, delayMs: number): Storage {
  return {
    catalog: storage.catalog,
    lanes: storage.lanes,
    leaseMs: storage.leaseMs,
    ...(storage.isExclusive === true ? { isExclusive: true } : {}),
    hints: storage.hints,
    ...(storage.keyWindows === undefined ? {} : { keyWindows: storage.keyWindows }),
    migrate: () => storage.migrate(),
    join: (node) => storage.join(node),
    beat: (node) => storage.beat(node),
    reap: (request) => storage.reap(request),
    commit: async (lane, node, units) => {
      const outcomes = await storage.commit(lane, node, units);
      await pause(delayMs);
      return outcomes;
    },
    findDue: (shards, limit) => storage.findDue(shards, limit),
    take: (node, due) => storage.take(node, due),
    read: (query) => storage.read(query),
    onWake: (listener) => storage.onWake(listener),
    close: () => storage.close(),
  };
}
