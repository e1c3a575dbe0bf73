// The engine as clients see it, through all its lives: what a dead process has not answered is asked of the next one.
import { randomUUID } from "node:crypto";
import type {
  ClientTransport,
  ConnectableEngine,
  StartCommand,
  StartResult,
  WatchedEvent,
  WorkflowTransport,
} from "@millrace/protocol";

/** An engine that dies now and then: `TestWorld`. */
export interface LivingEngine {
  /** The process that lives, as soon as it works. @throws {MillraceError} engine.stopping: the engine was closed */
  living(): Promise<LivingProcess>;
}

export interface LivingProcess {
  readonly node: ConnectableEngine;
  /** Resolves when it is killed. */
  readonly died: Promise<void>;
}

/** Asks again where a process died over its answer. */
export async function askLiving<T>(
  world: LivingEngine,
  ask: (process: LivingProcess) => Promise<T>,
): Promise<T> {
  for (;;) {
    const process = await world.living();
    const asked = ask(process).then((value) => ({ value }));
    const answer = await Promise.race([asked, process.died]);
    if (answer !== undefined) return answer.value;
  }
}

/** @param namespace name of a tenant */
export function createLivingClient(world: LivingEngine, namespace?: string): ClientTransport {
  const call = <T>(ask: (client: ClientTransport) => Promise<T>): Promise<T> =>
    askLiving(world, ({ node }) => ask(node.connect(namespace).client));
  return {
    startRuns: async (commands) => {
      // As over HTTP, so that a start whose answer was lost does not become two.
      const keyed = commands.map((command) => (isKeyed(command) ? command : withKey(command)));
      const results = await call((client) => client.startRuns(keyed));
      return results.map((result, i) => toOwn(result, commands[i]));
    },
    getRun: (...args) => call((client) => client.getRun(...args)),
    waitForRun: (...args) => call((client) => client.waitForRun(...args)),
    listRuns: (...args) => call((client) => client.listRuns(...args)),
    cancelRuns: (...args) => call((client) => client.cancelRuns(...args)),
    retryRun: (...args) => call((client) => client.retryRun(...args)),
    notify: (...args) => call((client) => client.notify(...args)),
    getWaiters: (...args) => call((client) => client.getWaiters(...args)),
    watchRun: (run, options) => watchLiving(world, namespace, run, options),
    workflows: toWorkflows((ask) => call((client) => ask(client.workflows))),
    // The engine belongs to whoever made it.
    close: () => Promise.resolve(),
  };
}

type CallWorkflows = <T>(ask: (workflows: WorkflowTransport) => Promise<T>) => Promise<T>;

const toWorkflows = (call: CallWorkflows): WorkflowTransport => ({
  create: (...args) => call((workflows) => workflows.create(...args)),
  replace: (...args) => call((workflows) => workflows.replace(...args)),
  get: (...args) => call((workflows) => workflows.get(...args)),
  list: (...args) => call((workflows) => workflows.list(...args)),
  activate: (...args) => call((workflows) => workflows.activate(...args)),
  pause: (...args) => call((workflows) => workflows.pause(...args)),
  resume: (...args) => call((workflows) => workflows.resume(...args)),
  archive: (...args) => call((workflows) => workflows.archive(...args)),
});

/** One that asked for a name may find another's run, so its answer must stay what it is. */
const isKeyed = ({ idempotencyKey, onConflict }: StartCommand): boolean =>
  idempotencyKey !== undefined || onConflict === "existing";

const withKey = (command: StartCommand): StartCommand => ({
  ...command,
  idempotencyKey: randomUUID(),
});

/** Nobody else knows a key of ours. */
function toOwn(result: StartResult, command: StartCommand | undefined): StartResult {
  if (result.kind !== "existing" || command === undefined || isKeyed(command)) return result;
  return { kind: "created", runId: result.runId };
}

async function* watchLiving(
  world: LivingEngine,
  namespace: string | undefined,
  run: string,
  { after = 0, ...options }: Parameters<ClientTransport["watchRun"]>[1],
): AsyncGenerator<WatchedEvent, void> {
  let told = after;
  for (;;) {
    const { node, died } = await world.living();
    const { client } = node.connect(namespace);
    const events = client.watchRun(run, { ...options, after: told })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await Promise.race([events.next(), died]);
        if (next === undefined) break;
        if (next.done === true) return;
        told = next.value.sequence ?? told;
        yield next.value;
      }
    } finally {
      // A dead one does not answer.
      void events.return?.();
    }
  }
}
