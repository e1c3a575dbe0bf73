// Entry of an engine process: does one job and ends. Started by `run-job.ts`.
import {
  JOBS,
  type JobMessage,
  type JobName,
  type JobRequest,
  type Jobs,
  type Meet,
} from "./jobs.ts";

type AnyJob = (
  order: JobRequest["order"],
  tell: (text: string) => void,
  meet: Meet,
) => Promise<Awaited<ReturnType<Jobs[JobName]>>>;

/** Resolves when the whole message is on its way: this process may end then. */
const send = (message: JobMessage): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });

const meet: Meet = async () => {
  // Whatever the next message says: there is no other.
  const told = new Promise((resolve) => process.once("message", resolve));
  await send({ kind: "ready" });
  await told;
};

async function work({ name, order }: JobRequest): Promise<void> {
  // `runJob` has checked the order against the job of this name.
  const job = JOBS[name] as AnyJob;
  try {
    const result = await job(order, (text) => void send({ kind: "progress", text }), meet);
    await send({ kind: "result", result });
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    await send({ kind: "fault", message });
  }
  process.disconnect();
}

// The parent has gone: nobody waits for the result.
process.once("disconnect", () => setImmediate(() => process.exit()));
process.once("message", (request: JobRequest) => void work(request));
