// One store on several: each shard lives on one server, so that whatever crossed a shard in one transaction would
// fail. It shows what a database does that is spread over servers, by the port alone.
//
//   S1. A commit goes to the server of its lane, and has no unit of another.
//   S2. The catalog lives on the first server. The others have copies, since a start looks at its workflow's revision
//       on its own server.
//   S3. A node is a member of all servers, and dead as soon as one of them says so.
import {
  MillraceError,
  shardOf,
  shardOfEvent,
  type NodeId,
  type Shard,
  type TenantId,
} from "@millrace/protocol";
import type { Catalog } from "../../storage/catalog.ts";
import { shardOfUnit } from "../../storage/shard-of-unit.ts";
import type {
  Answers,
  Due,
  DueRun,
  Held,
  Hints,
  Query,
  RunRow,
  Storage,
} from "../../storage/storage.ts";
import {
  earliest,
  mergeAudits,
  mergeCounts,
  mergePulses,
  mergeReaped,
  mergeRuns,
} from "./merge-answers.ts";

export type Servers = readonly [first: Storage, ...more: readonly Storage[]];

/** @param catalog see `copyCatalog`; one for all nodes of a process */
export function routeByShard(servers: Servers, catalog: Catalog): Storage {
  const [first, ...more] = servers;
  const serverOf = (shard: Shard): Storage => servers[shard % servers.length] ?? first;
  const all: Asking["all"] = async (ask) => {
    const [answer, ...answers] = await Promise.all([ask(first), ...more.map(ask)]);
    return [answer, ...answers];
  };
  return {
    lanes: servers.length,
    leaseMs: first.leaseMs,
    hints: joinHints(servers),
    catalog,
    ...(first.keyWindows === undefined ? {} : { keyWindows: first.keyWindows }),
    migrate: async () => void (await all((server) => server.migrate())),
    join: async (node) => (await all((server) => server.join(node)))[0],
    beat: async (node) => mergePulses(await all((server) => server.beat(node))),
    reap: async (request) => mergeReaped(await all((server) => server.reap(request))),
    commit: async (lane, node, units) => {
      for (const unit of units) {
        const own = shardOfUnit(unit) % servers.length;
        if (own === lane) continue;
        throw new Error(`a ${unit.kind} unit of lane ${own} is in a commit of lane ${lane}`);
      }
      return (servers[lane] ?? first).commit(lane, node, units);
    },
    findDue: async (shards, limit) => {
      const found = await all((server) => server.findDue(shards, limit));
      const runs = await sortDue(
        found.flatMap((due) => due.runs),
        serverOf,
      );
      return mergeDue(found, runs, limit);
    },
    take: (node, due) => take(servers, node, due),
    // `ask` answers each kind of query with its kind of answer, which its own type cannot say.
    read: ((query) => ask(query, { servers, serverOf, all })) as Storage["read"],
    onWake: (listener) => {
      const stops = servers.map((server) => server.onWake(listener));
      return () => stops.forEach((stop) => stop());
    },
    close: async () => void (await all((server) => server.close())),
  };
}

/** Words go by the first server's channel; what a server says of a commit comes by its own. */
function joinHints(servers: Servers): Hints {
  const [{ hints: first }] = servers;
  return {
    get travels() {
      return servers.every(({ hints }) => hints.travels);
    },
    tell: (to, hint) => first.tell(to, hint),
    listen: (node, hear) => {
      const stops = servers.map(({ hints }) => hints.listen(node, hear));
      return () => stops.forEach((stop) => stop());
    },
  };
}

function mergeDue(found: readonly Due[], runs: readonly DueRun[], limit: number): Due {
  const isKnown = runs.length < limit;
  return {
    runs: runs.slice(0, limit),
    nextDueAt: isKnown ? earliest(found.map(({ nextDueAt }) => nextDueAt)) : null,
  };
}

/** By priority, due time and id, which a found run does not tell. */
async function sortDue(
  due: readonly DueRun[],
  serverOf: (shard: Shard) => Storage,
): Promise<readonly DueRun[]> {
  const rows = await Promise.all(
    due.map(async (run): Promise<readonly (readonly [DueRun, RunRow])[]> => {
      const { tenant, runId, shard } = run;
      const found = await serverOf(shard).read({ kind: "run", tenant, runId });
      // It has ended meanwhile, and could not be taken.
      return found !== null && "live" in found ? [[run, found.live]] : [];
    }),
  );
  return rows
    .flat()
    .toSorted(
      ([, a], [, b]) =>
        a.priority - b.priority || (a.dueAt ?? 0) - (b.dueAt ?? 0) || (a.id < b.id ? -1 : 1),
    )
    .map(([run]) => run);
}

async function take(
  servers: Servers,
  node: NodeId,
  due: readonly DueRun[],
): Promise<readonly Held[]> {
  const held = await Promise.all(
    servers.map((server, lane) =>
      server.take(
        node,
        due.filter(({ shard }) => shard % servers.length === lane),
      ),
    ),
  );
  const taken = new Map(held.flat().map((one) => [one.run.id, one]));
  return due.flatMap(({ runId }) => taken.get(runId) ?? []);
}

interface Asking {
  readonly servers: Servers;
  readonly serverOf: (shard: Shard) => Storage;
  readonly all: <T>(ask: (server: Storage) => Promise<T>) => Promise<readonly [T, ...T[]]>;
}

async function ask(query: Query, { serverOf, all }: Asking): Promise<Answers[Query["kind"]]> {
  switch (query.kind) {
    case "run":
      return serverOf(shardOf(query.runId)).read(query);
    case "waiters":
      return serverOf(shardOfEvent(query.tenant, query.event)).read(query);
    case "runs":
      return mergeRuns(await all((server) => server.read(query)), query.limit);
    case "audit":
      return mergeAudits(await all((server) => server.read(query)), query.limit);
    case "counts":
      return mergeCounts(await all((server) => server.read(query)));
    case "awaited-functions":
      return [...new Set((await all((server) => server.read(query))).flat())];
    case "awaiting": {
      const found = (await all((server) => server.read(query))).flat();
      return (await sortDue(found, serverOf)).slice(0, query.limit);
    }
    case "awaiting-function": {
      const found = (await all((server) => server.read(query))).flat();
      return (await sortDue(found, serverOf)).slice(0, query.limit);
    }
    case "inbox":
      return (await all((server) => server.read(query))).flat().slice(0, query.limit);
    case "outbox":
      return (await all((server) => server.read(query))).flat().slice(0, query.limit);
    case "key":
      return (await all((server) => server.read(query))).find((found) => found !== null) ?? null;
    case "named":
      return (await all((server) => server.read(query))).find((found) => found !== null) ?? null;
  }
}

/** S2. One at a time, so that the copies change in the order of the first. */
export function copyCatalog([first, ...copies]: readonly [Catalog, ...Catalog[]]): Catalog {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(write: () => Promise<T>): Promise<T> => {
    const turn = last.then(write);
    last = turn.catch(() => undefined);
    return turn;
  };
  const agree = (isSame: boolean, tenant: TenantId | undefined): void => {
    if (isSame) return;
    throw new MillraceError("internal.error", `A copy of the catalog of ${tenant} is another`);
  };
  return {
    get: (...args) => first.get(...args),
    list: (...args) => first.list(...args),
    put: (puts, audit) =>
      inTurn(async () => {
        const outcome = await first.put(puts, audit);
        if (outcome.kind !== "done" || puts.length === 0) return outcome;
        for (const copy of copies) {
          const { kind } = await copy.put(puts, null);
          agree(kind === "done", puts[0]?.tenant);
        }
        return outcome;
      }),
    delete: (tenant, kind, id, expectedRevision, audit) =>
      inTurn(async () => {
        if (!(await first.delete(tenant, kind, id, expectedRevision, audit))) return false;
        for (const copy of copies)
          agree(await copy.delete(tenant, kind, id, expectedRevision), tenant);
        return true;
      }),
  };
}
