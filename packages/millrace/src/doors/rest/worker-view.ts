import { toIso } from "@millrace/protocol";
import type { RemoteWorker } from "../../remote-worker.ts";

/** A worker as REST v1 shows it. */
export interface WorkerView {
  readonly id: string;
  readonly name: string;
  readonly status: "attached" | "draining";
  readonly workflows: readonly { readonly name: string; readonly version: string }[];
  readonly functions: readonly string[];
  readonly slots: { readonly used: number; readonly free: number };
  readonly labels: Readonly<Record<string, string>>;
  readonly since: string;
}

export function toWorkerView(worker: RemoteWorker): WorkerView {
  const { name, workflows, functions, slots, labels } = worker.offer;
  return {
    id: worker.id,
    name,
    status: worker.isDraining ? "draining" : "attached",
    workflows: workflows.map(({ name, version }) => ({ name, version })),
    functions,
    slots: { used: worker.usedSlots, free: Math.max(0, slots - worker.usedSlots) },
    labels,
    since: toIso(worker.since),
  };
}
