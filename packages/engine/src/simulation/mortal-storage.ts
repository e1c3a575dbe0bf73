// A store as one process sees it, which may be killed in the middle of whatever it does: what it sent before arrives, and
// nothing reaches it any more.
import type { Catalog } from "../storage/catalog.ts";
import type { Hints, Storage } from "../storage/storage.ts";

type Call = <T>(ask: () => Promise<T>) => Promise<T>;

/**
 * Calls of a dead process are not made, and answers do not reach it. As with a store on a server, it is woken by its own
 * commits alone.
 *
 * @param carry carries a wake to its listener: at once, later or never
 */
export function whileAlive(
  store: Storage,
  life: AbortSignal,
  carry: (arrive: () => void) => void,
): Storage {
  const call: Call = async (ask) => {
    if (life.aborted) return new Promise(() => undefined);
    try {
      return await ask();
    } finally {
      if (life.aborted) await new Promise(() => undefined);
    }
  };
  const listeners = new Set<() => void>();
  const wake = (): void => {
    for (const listener of listeners) carry(listener);
  };
  return {
    lanes: store.lanes,
    leaseMs: store.leaseMs,
    hints: hintsWhileAlive(store.hints, life),
    catalog: catalogWhileAlive(store.catalog, call),
    migrate: () => call(() => store.migrate()),
    join: (node) => call(() => store.join(node)),
    beat: (node) => call(() => store.beat(node)),
    reap: async (request) => {
      const reaped = await call(() => store.reap(request));
      if (reaped.freed > 0) wake();
      return reaped;
    },
    commit: async (lane, node, units) => {
      const outcomes = await call(() => store.commit(lane, node, units));
      wake();
      return outcomes;
    },
    findDue: (shards, limit) => call(() => store.findDue(shards, limit)),
    take: (node, due) => call(() => store.take(node, due)),
    read: (query) => call(() => store.read(query)),
    onWake: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => call(() => store.close()),
  };
}

function hintsWhileAlive(hints: Hints, life: AbortSignal): Hints {
  return {
    get travels() {
      return hints.travels;
    },
    tell: (to, hint) => {
      if (!life.aborted) hints.tell(to, hint);
    },
    listen: (node, hear) =>
      hints.listen(node, (hint) => {
        if (!life.aborted) hear(hint);
      }),
  };
}

function catalogWhileAlive(catalog: Catalog, call: Call): Catalog {
  return {
    put: (...args) => call(() => catalog.put(...args)),
    get: (...args) => call(() => catalog.get(...args)),
    list: (...args) => call(() => catalog.list(...args)),
    delete: (...args) => call(() => catalog.delete(...args)),
  };
}
