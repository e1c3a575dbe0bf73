// Lets happen what was planned, and writes down when it did.
import type { Proxy } from "../packages/engine/src/testkit/postgres/proxy/start-proxy.ts";
import type { Cluster } from "./cluster.ts";
import type { Member } from "./member.ts";
import { pause } from "./pause.ts";
import type { Fault } from "./plan-faults.ts";

/** Times since the beginning of the faults. */
export interface LoggedFault extends Fault {
  readonly beganMs: number;
  /** When all was well again: a process that was started serves. */
  readonly endedMs: number;
}

export interface FaultHooks {
  /** Just before a node is killed. */
  readonly dies: (node: Member) => Promise<void>;
  /** A function computes for so long on this node. */
  readonly compute: (node: number, ms: number) => Promise<void>;
}

/** Between two restarts of PostgreSQL. */
const RESTART_EVERY_MS = 2_000;
const CUT_AFTER_COMMIT = 0.2;
const DELAY_MS = 40;

export async function performFaults(
  cluster: Cluster,
  plan: readonly Fault[],
  hooks: FaultHooks,
): Promise<readonly LoggedFault[]> {
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);
  const log: LoggedFault[] = [];
  const queues = new Map<string, Promise<void>>();
  for (const fault of plan) {
    await pause(Math.max(0, fault.atMs - elapsedMs()));
    // A process may take longer to come back than was planned.
    const before = queues.get(fault.target) ?? Promise.resolve();
    const performed = before.then(async () => {
      const beganMs = elapsedMs();
      await perform(cluster, fault, hooks);
      log.push({ ...fault, beganMs, endedMs: elapsedMs() });
    });
    performed.catch(() => {});
    queues.set(fault.target, performed);
  }
  await Promise.all(queues.values());
  return log.toSorted((a, b) => a.beganMs - b.beganMs);
}

async function perform(cluster: Cluster, fault: Fault, hooks: FaultHooks): Promise<void> {
  const { kind, target, lengthMs } = fault;
  const number = Number(target.split("-")[1] ?? 0);
  switch (kind) {
    case "node-busy":
      return hooks.compute(number, lengthMs);
    case "node-kill":
    case "node-freeze":
    case "node-drain":
      return performOn(cluster.nodes[number], fault, hooks.dies);
    case "worker-kill":
    case "worker-freeze":
    case "worker-drain":
      return performOn(cluster.workers[number], fault, async () => {});
    case "postgres-fast":
    case "postgres-immediate":
    case "postgres-kill":
    case "postgres-pause":
      return performOnPostgres(cluster, fault);
    case "network-cut":
    case "network-cut-after-commit":
    case "network-blackhole":
    case "network-delay":
      return performOnNetwork(cluster.networks[number], fault);
  }
}

async function performOn(
  member: Member | undefined,
  { kind, lengthMs }: Fault,
  dies: FaultHooks["dies"],
): Promise<void> {
  if (member === undefined) return;
  if (kind.endsWith("freeze")) {
    member.freeze();
    await pause(lengthMs);
    return member.thaw();
  }
  if (kind.endsWith("kill")) {
    await dies(member);
    await member.kill();
  } else await member.drain();
  await pause(lengthMs);
  return member.start();
}

async function performOnPostgres({ postgres }: Cluster, { kind, lengthMs }: Fault): Promise<void> {
  if (kind === "postgres-pause") {
    await postgres.pause();
    await pause(lengthMs);
    return postgres.resume();
  }
  if (kind === "postgres-kill") {
    await postgres.kill();
    await pause(lengthMs);
    return postgres.start();
  }
  const mode = kind === "postgres-fast" ? "fast" : "immediate";
  const until = performance.now() + lengthMs;
  await postgres.restart(mode);
  while (performance.now() + RESTART_EVERY_MS <= until) {
    await pause(RESTART_EVERY_MS);
    await postgres.restart(mode);
  }
}

async function performOnNetwork(
  network: Proxy | undefined,
  { kind, lengthMs }: Fault,
): Promise<void> {
  if (network === undefined) return;
  if (kind === "network-cut") return network.cutAll();
  if (kind === "network-blackhole") network.blackhole();
  else if (kind === "network-delay") network.setFaults({ delayMs: DELAY_MS });
  else network.setFaults({ cutAfterCommit: CUT_AFTER_COMMIT });
  await pause(lengthMs);
  network.setFaults({ cutAfterCommit: 0, delayMs: 0 });
  network.restore();
}
