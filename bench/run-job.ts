import { fork } from "node:child_process";
import type { JobMessage, JobName, JobRequest, Order, Result } from "./jobs.ts";
import { ownProcess } from "./processes.ts";

export interface RunJobOptions {
  readonly tell: (text: string) => void;
  /** Folder for a CPU profile of each thread; null: none. */
  readonly profiles: string | null;
}

const ENTRY = new URL("./engine-process.ts", import.meta.url);

/** Does a job in a process of its own. @throws what the job threw, with its stack in that process */
export async function runJob<K extends JobName>(
  name: K,
  order: Order<K>,
  { tell, profiles }: RunJobOptions,
): Promise<Result<K>> {
  const child = fork(ENTRY, [name], { env: toEnvironment(profiles) });
  ownProcess(child);
  const { promise, resolve, reject } = Promise.withResolvers<Result<K>>();
  child.on("message", (message: JobMessage<K>) => {
    if (message.kind === "progress") tell(message.text);
    else if (message.kind === "result") resolve(message.result);
    else reject(new Error(`the job ${name} failed: ${message.message}`));
  });
  child.on("error", reject);
  const closed = new Promise<void>((resolve) => {
    child.on("close", (code, signal) => {
      reject(new Error(`the process of job ${name} ended early (${signal ?? code})`));
      resolve();
    });
  });
  const request: JobRequest<K> = { name, order };
  child.send(request);
  try {
    return await promise;
  } finally {
    await closed;
  }
}

/** By the environment, since the threads of the store do not see what stands on the command line. */
function toEnvironment(profiles: string | null): NodeJS.ProcessEnv {
  if (profiles === null) return process.env;
  const profiling = `--cpu-prof --cpu-prof-dir=${profiles} --cpu-prof-interval=200`;
  return { ...process.env, NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} ${profiling}` };
}
