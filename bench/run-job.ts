import { fork } from "node:child_process";
import type { JobMessage, JobName, JobRequest, Order, Proceed, Result } from "./jobs.ts";
import { ownProcess } from "./processes.ts";

export interface RunJobOptions {
  readonly tell: (text: string) => void;
  /** Folder for a CPU profile of each thread; null: none. */
  readonly profiles: string | null;
}

export interface RunningJob<T> {
  /** Settles when its process has ended. @throws what the job threw, with its stack in that process */
  readonly result: Promise<T>;
  /** Resolves when the job waits for `proceed`; rejects if it ends without having done so. */
  readonly ready: Promise<void>;
  proceed(): void;
  /** As `kill -9` does; resolves when the process is gone. */
  kill(): Promise<void>;
}

const ENTRY = new URL("./engine-process.ts", import.meta.url);

/** Does a job in a process of its own. @throws what the job threw, with its stack in that process */
export async function runJob<K extends JobName>(
  name: K,
  order: Order<K>,
  options: RunJobOptions,
): Promise<Result<K>> {
  const job = startJob(name, order, options);
  job.ready.then(
    () => job.proceed(),
    () => undefined,
  );
  return job.result;
}

/** Begins a job in a process of its own; whoever called says when it may go on. */
export function startJob<K extends JobName>(
  name: K,
  order: Order<K>,
  { tell, profiles }: RunJobOptions,
): RunningJob<Result<K>> {
  const child = fork(ENTRY, [name], { env: toEnvironment(profiles) });
  ownProcess(child);
  const found = Promise.withResolvers<Result<K>>();
  const ready = Promise.withResolvers<void>();
  const fail = (error: Error): void => {
    found.reject(error);
    ready.reject(error);
  };
  child.on("message", (message: JobMessage<K>) => {
    if (message.kind === "progress") tell(message.text);
    else if (message.kind === "ready") ready.resolve();
    else if (message.kind === "result") found.resolve(message.result);
    else fail(new Error(`the job ${name} failed: ${message.message}`));
  });
  child.on("error", fail);
  const closed = new Promise<void>((resolve) => {
    child.on("close", (code, signal) => {
      fail(new Error(`the process of job ${name} ended early (${signal ?? code})`));
      resolve();
    });
  });
  const request: JobRequest<K> = { name, order };
  child.send(request);
  const result = (async () => {
    try {
      return await found.promise;
    } finally {
      await closed;
    }
  })();
  // Not everybody waits for both, and a job that is killed has no result.
  result.catch(() => undefined);
  ready.promise.catch(() => undefined);
  const proceed: Proceed = "proceed";
  return {
    result,
    ready: ready.promise,
    proceed: () => void child.send(proceed),
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** By the environment, since the threads of the store do not see what stands on the command line. */
function toEnvironment(profiles: string | null): NodeJS.ProcessEnv {
  if (profiles === null) return process.env;
  const profiling = `--cpu-prof --cpu-prof-dir=${profiles} --cpu-prof-interval=200`;
  return { ...process.env, NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} ${profiling}` };
}
