import type { KeptStore } from "../postgres-stores/keep-stores.ts";
import { prepareEmptying } from "../postgres-stores/prepare-emptying.ts";
import {
  openDistributedDatabase,
  type DistributedDatabase,
  type DistributedOptions,
} from "./open-distributed-database.ts";
import { repeatCalls } from "./repeat-calls.ts";

export interface DistributedStore extends KeptStore {
  readonly distributed: DistributedDatabase;
}

/**
 * For the suite: of a patient caller. Spared from faults is what its callers do not repeat: a control write, whose
 * caller hears that nobody knows, looks, and decides; and a reaper's pass, since how many it freed is told once.
 */
export async function openDistributedStore(
  now: () => number,
  options: DistributedOptions = {},
): Promise<DistributedStore> {
  const distributed = await openDistributedDatabase(options);
  const { spare, database } = distributed;
  const faulty = await distributed.openStorage({ now });
  const emptying = await prepareEmptying(database.url);
  const { catalog } = faulty;
  const storage = repeatCalls({
    ...faulty,
    catalog: {
      ...catalog,
      put: (...args) => spare(() => catalog.put(...args)),
      delete: (...args) => spare(() => catalog.delete(...args)),
    },
    reap: (...args) => spare(() => faulty.reap(...args)),
  });
  return {
    storage,
    distributed,
    empty: () => emptying.empty(),
    close: async () => {
      await storage.close();
      await emptying.close();
      await distributed.close();
    },
  };
}
