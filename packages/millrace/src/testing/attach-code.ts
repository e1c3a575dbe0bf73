import { AsyncLocalStorage } from "node:async_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { HostReport, WorkerLink, WorkerTransport } from "@millrace/protocol";
import type { TestWorld } from "@millrace/engine/testing";
import { CodeHost } from "@millrace/sdk";
import type { CodeWorkflow } from "./test-engine-options.ts";

/** As many as the engine holds. */
const SLOTS = 10_000;

/** Executes code workflows in this process, in turns that the world waits for. @returns ends that */
export async function attachCode(
  world: TestWorld,
  workers: WorkerTransport,
  workflows: readonly CodeWorkflow[],
): Promise<() => void> {
  if (workflows.length === 0) return () => undefined;
  let link: WorkerLink | null = null;
  const early: HostReport[] = [];
  const host = new CodeHost({
    workflows,
    report: (reports) => {
      if (link === null) early.push(...reports);
      else void link.report(reports);
    },
    ports: {
      bodyScope: new AsyncLocalStorage<string>(),
      macrotask: (callback) => world.soon(callback),
      // What it waits for so is no matter of the engine's: a function in replay that awaits the world outside.
      setTimer: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
  });
  const offer = { name: "test", workflows: host.offers(), functions: [], slots: SLOTS, labels: {} };
  link = await workers.attach(
    offer,
    (commands) => host.handle(commands),
    (error) => host.close(error.message),
  );
  void link.report(early);
  return () => host.close("The test engine is closed");
}
