// Code that runs in child processes: the server's process imports none of it.
import { MillraceError } from "@millrace/protocol";
import type { Log } from "../log.ts";
import { refuseTakenNames, type HostedCode } from "./hosted-code.ts";
import { IsolatedWorker } from "./isolated-worker.ts";

export interface IsolatedCodeOptions {
  readonly files: readonly string[];
  readonly processCount: number;
  /** Of one process; null: as Node decides. */
  readonly memoryMib: number | null;
  /** All of theirs. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** @throws {MillraceError} option.invalid: the code cannot be loaded, in the words of the process that tried */
export async function startIsolatedCode(options: IsolatedCodeOptions): Promise<HostedCode> {
  const { processCount, log } = options;
  const workers: IsolatedWorker[] = [];
  const isAlone = (worker: IsolatedWorker): boolean =>
    workers.every((other) => other === worker || !other.isServing);
  for (let n = 1; n <= processCount; n++)
    workers.push(new IsolatedWorker({ ...options, name: `isolated-${n}`, isAlone }));
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.close()));
  };
  try {
    // All load the same files, so the first speaks for all of them.
    const [first] = await Promise.all(workers.map((worker) => worker.ready));
    if (first === undefined) throw new Error("There must be a process at least.");
    const { workflows, origins, functions, warnings } = first;
    for (const warning of warnings) log.warn({}, warning);
    const announcements = origins.flatMap((origin, index) => {
      const name = workflows[index]?.name;
      return name === undefined ? [] : [{ name, origin }];
    });
    return {
      functions: {},
      summary: {
        functionCount: functions.length,
        workflowCount: workflows.length,
        processCount,
      },
      attach: async (engine) => {
        await refuseTakenNames(engine, announcements);
        const { worker: transport } = engine.connect();
        for (const worker of workers) await worker.attach(transport);
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    const message = error instanceof Error ? error.message : String(error);
    throw new MillraceError("option.invalid", message, { cause: error });
  }
}
