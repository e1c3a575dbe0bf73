// Code that runs in the server's own process: functions are the engine's, workflows are a worker's that is attached
// by method calls.
import type { MillraceError, WorkerLink } from "@millrace/protocol";
import { CodeHost } from "@millrace/sdk";
import { AsyncLocalStorage } from "node:async_hooks";
import { refuseTakenNames, type HostedCode } from "./hosted-code.ts";
import type { LoadedCode } from "./load-code.ts";

/** As many as an engine keeps in memory by default: what limits runs here is the engine. */
const SLOTS = 10_000;

export function createInlineCode({ functions, workflows }: LoadedCode): HostedCode {
  let link: WorkerLink | undefined;
  const host = new CodeHost({
    workflows: workflows.map(({ workflow }) => workflow),
    // In this process there is nobody who could not be reached.
    report: (reports) => void link?.report(reports),
    ports: { bodyScope: new AsyncLocalStorage<string>() },
  });
  return {
    functions,
    summary: {
      functionCount: Object.keys(functions).length,
      workflowCount: workflows.length,
      processCount: 0,
    },
    attach: async (engine) => {
      if (workflows.length === 0) return;
      await refuseTakenNames(
        engine,
        workflows.map(({ workflow, origin }) => ({ name: workflow.name, origin })),
      );
      const offer = {
        name: "server",
        workflows: host.offers(),
        functions: [],
        slots: SLOTS,
        labels: {},
      };
      const onLost = (error: MillraceError): void => host.close(error.message);
      link = await engine
        .connect()
        .worker.attach(offer, (commands) => host.handle(commands), onLost);
    },
    [Symbol.asyncDispose]: async () => host.close(),
  };
}
