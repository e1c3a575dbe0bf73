// What a node is made of, put together. Nothing here decides or runs anything.
import {
  shardOf,
  type MillraceError,
  type NodeId,
  type RunId,
  type TenantId,
  type Timestamp,
} from "@millrace/protocol";
import type { RunRef } from "../core/run-head.ts";
import type { DueRun, Hints } from "../storage/storage.ts";
import type { AwaitingRun } from "./await-worker.ts";
import { AwaitingRuns } from "./awaiting-runs.ts";
import { Callables } from "./callables.ts";
import { Children } from "./children.ts";
import type { CancelOutcome, CancelRequest } from "./commands.ts";
import { Claimer, type Taken } from "./claimer.ts";
import { CodeCatalog } from "./code-catalog.ts";
import { Courier } from "./courier.ts";
import { Events, type EventsOptions } from "./events.ts";
import { GroupCommit } from "./group-commit.ts";
import { Hosts } from "./hosts.ts";
import { InlineExecutor } from "./inline-executor.ts";
import { KeyQuotas } from "./key-quotas.ts";
import { Keys } from "./keys.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { NodeOptions } from "./node.ts";
import { cancelRun } from "./cancels.ts";
import { createPlaceNewRun, type PlaceNewRun } from "./place-new-run.ts";
import { RemoteWatches } from "./remote-watches.ts";
import { DEFAULT_RETENTION } from "./retention.ts";
import { RunFeeds } from "./run-feeds.ts";
import { RunReader, type ReadRun } from "./run-reader.ts";
import { Runner } from "./runner.ts";
import { Runs, type RunsOptions } from "./runs.ts";
import { Starts, type StartsOptions } from "./starts.ts";
import type { StoreTime } from "./store-time.ts";
import { StoredFunctions } from "./stored-functions.ts";
import { Tenants } from "./tenants.ts";
import { Watchers } from "./watchers.ts";
import { WorkerFunctions } from "./worker-functions.ts";
import { Workers } from "./worker-transport.ts";
import { WorkflowEditor } from "./workflow-editor.ts";
import { Workflows } from "./workflows.ts";
import { Workspaces } from "./workspaces.ts";

/** What the parts ask of the node. */
export interface NodeHooks {
  /** Its id now: it changes when the node had to join again. */
  readonly id: () => NodeId;
  /** How many more runs it may hold now. */
  readonly room: () => number;
  readonly takesRuns: () => boolean;
  /** Nothing is to move. */
  readonly isPaused: () => boolean;
  /** Why it takes no commands now; null: it does. */
  readonly refusal: () => MillraceError | null;
  readonly onFatal: (error: MillraceError) => void;
  /** A batch goes to the store. */
  readonly onSend: () => void;
  /** More may be due than it takes now. */
  readonly onCrowded: () => void;
  /** A worker offers code here. */
  readonly onOffer: () => void;
  /** A message waits for a run that resides here. */
  readonly onUnread: () => void;
}

export interface NodeParts {
  readonly metrics: Metrics;
  readonly lanes: readonly GroupCommit[];
  readonly executor: InlineExecutor;
  readonly stored: StoredFunctions;
  readonly workflows: Workflows;
  readonly editor: WorkflowEditor;
  readonly runner: Runner;
  readonly claimer: Claimer;
  readonly courier: Courier;
  readonly events: Events;
  readonly starts: Starts;
  readonly runs: Runs;
  readonly reader: RunReader;
  readonly watchers: Watchers;
  readonly feeds: RunFeeds;
  readonly remoteWatches: RemoteWatches;
  readonly awaiting: AwaitingRuns;
  readonly keys: Keys;
  readonly tenants: Tenants;
  readonly workspaces: Workspaces;
  readonly workers: Workers;
  readonly commitFor: (ref: RunRef) => GroupCommit;
}

export function assemble(options: NodeOptions, time: StoreTime, hooks: NodeHooks): NodeParts {
  const { storage, clock, random, limits, log } = options;
  const now = (): Timestamp => time.now();
  const metrics = createMetrics();
  const lanes = createLanes(options, hooks, metrics);
  const [first] = lanes;
  const commitFor = (ref: RunRef): GroupCommit => lanes[ref.shard % lanes.length] ?? first;
  const stored = new StoredFunctions(storage.catalog, clock, time);
  const hosts = new Hosts();
  const offered = new WorkerFunctions(storage.catalog);
  const executor = createExecutor(options, { stored, offered, hosts, metrics, now });
  const workflows = new Workflows({ catalog: storage.catalog, kind: options.programs });
  const reader = new RunReader(storage, workflows, (runId) => moving.runner.progress(runId));
  const isResident = (tenant: TenantId, runId: RunId): boolean => moving.runner.has(tenant, runId);
  const watching = assembleWatching(options, hooks, { reader, isResident });
  const { feeds } = watching;
  const moving = assembleMoving(options, hooks, {
    executor,
    workflows,
    ...watching,
    hosts,
    metrics,
    commitFor,
    now,
  });
  const { runner, courier, placeNewRun } = moving;
  const workspaces = new Workspaces(storage.catalog, log);
  const beginning = { now, random, limits, metrics, log };
  const starting = assembleStarts(
    { ...beginning, storage, workflows, workspaces, runner, commitFor, placeNewRun },
    { reader, feeds, courier, refusal: hooks.refusal },
  );
  return {
    ...moving,
    ...starting,
    ...watching,
    metrics,
    lanes,
    executor,
    stored,
    workflows,
    editor: createEditor(options, workflows, { stored, offered, now }),
    reader,
    keys: new Keys(storage.catalog, clock, time, new KeyQuotas(storage.keyWindows, clock, log)),
    tenants: new Tenants(storage.catalog, time),
    workspaces,
    workers: createWorkers(options, hooks, { ...moving, hosts, workflows, offered, now }),
    commitFor,
  };
}

function createWorkers(
  { storage, random, log }: NodeOptions,
  { refusal }: NodeHooks,
  {
    hosts,
    workflows,
    awaiting,
    offered: functions,
    now,
  }: Pick<Ground, "hosts" | "workflows" | "now"> &
    Pick<NodeParts, "awaiting"> &
    Pick<ExecutorGround, "offered">,
): Workers {
  const catalog = new CodeCatalog({ catalog: storage.catalog, workflows, now, random });
  return new Workers({ hosts, awaiting, catalog, functions, workflows, refusal, log });
}

/** Watchers, feeds, and what carries news of runs between nodes. */
function assembleWatching(
  { storage, clock: workClock, upkeepClock = workClock }: NodeOptions,
  { id }: NodeHooks,
  {
    reader,
    isResident,
  }: {
    readonly reader: RunReader;
    readonly isResident: (tenant: TenantId, runId: RunId) => boolean;
  },
): Pick<NodeParts, "watchers" | "feeds" | "remoteWatches"> {
  // Whoever follows a run is told of it; looking again is for words that were lost.
  const clock = upkeepClock;
  const remoteWatches = new RemoteWatches({ hints: storage.hints, clock, node: id });
  const follow = ({ run, owner }: ReadRun): number =>
    remoteWatches.follow({ tenant: run.tenant, shard: shardOf(run.id), runId: run.id }, owner);
  const watchers = new Watchers({
    clock,
    read: async (tenant, runId) => {
      const found = await reader.read(tenant, runId);
      return found === null ? null : { run: found.run, lookAgainMs: follow(found) };
    },
    show: ({ history, journal }) => reader.show(history, journal),
    isResident,
  });
  return { remoteWatches, watchers, feeds: new RunFeeds({ clock, reader, isResident, follow }) };
}

function assembleStarts(
  options: StartsOptions,
  more: Pick<RunsOptions, "reader" | "feeds" | "refusal"> & Pick<EventsOptions, "courier">,
): Pick<NodeParts, "starts" | "runs" | "events"> {
  const { now, commitFor, runner } = options;
  const starts = new Starts(options);
  const cancel = (request: CancelRequest): Promise<CancelOutcome> =>
    cancelRun(request, now(), commitFor, runner);
  const runs = new Runs({ ...options, ...more, starts, cancel });
  return { starts, runs, events: new Events({ ...options, ...more }) };
}

interface ExecutorGround {
  readonly stored: StoredFunctions;
  readonly offered: WorkerFunctions;
  readonly hosts: Hosts;
  readonly metrics: Metrics;
  readonly now: () => Timestamp;
}

function createExecutor(
  { functions, actions = {}, callFunction, clock, limits, intercept }: NodeOptions,
  { stored, offered, hosts, metrics, now }: ExecutorGround,
): InlineExecutor {
  const callables = new Callables({
    functions,
    actions,
    callFunction: callFunction ?? null,
    findStored: (tenant, name) => stored.find(tenant, name),
    isOffered: (tenant, name) => offered.isKnown(tenant, name),
    clock,
    hosts,
    intercept,
  });
  return new InlineExecutor({ callables, clock, now, limits, metrics });
}

function createEditor(
  { storage, programs, random, functions, actions = {} }: NodeOptions,
  workflows: Workflows,
  { stored, offered, now }: Pick<ExecutorGround, "stored" | "offered" | "now">,
): WorkflowEditor {
  return new WorkflowEditor({
    catalog: storage.catalog,
    kind: programs,
    workflows,
    names: {
      functions: new Set(Object.keys(functions)),
      actions: new Set(Object.keys(actions)),
      findStored: (tenant, name) => stored.find(tenant, name),
      isOffered: (tenant, name) => offered.isKnown(tenant, name),
    },
    now,
    random,
  });
}

function createLanes(
  { storage, clock }: NodeOptions,
  { id, onFatal, onSend }: NodeHooks,
  metrics: Metrics,
): readonly [GroupCommit, ...GroupCommit[]] {
  const create = (lane: number): GroupCommit =>
    new GroupCommit({ storage, lane, node: id, clock, metrics, onFatal, onSend });
  const more = Array.from({ length: storage.lanes - 1 }, (_, i) => create(i + 1));
  return [create(0), ...more];
}

type Ground = Pick<
  NodeParts,
  "executor" | "workflows" | "watchers" | "feeds" | "remoteWatches" | "metrics" | "commitFor"
> & {
  readonly hosts: Hosts;
  readonly now: () => Timestamp;
};

/** Runner, courier and claimer: what moves runs. */
function assembleMoving(
  options: NodeOptions,
  hooks: NodeHooks,
  ground: Ground,
): Pick<NodeParts, "runner" | "courier" | "claimer" | "awaiting"> & {
  readonly placeNewRun: PlaceNewRun;
} {
  const { storage, clock, limits, log, maxResidentRuns, retention = DEFAULT_RETENTION } = options;
  const { executor, workflows, watchers, feeds, remoteWatches } = ground;
  const { hosts, metrics, commitFor, now } = ground;
  const children = new Children({ workflows, clock, now, limits, log });
  const runner: Runner = new Runner({
    clock,
    now,
    node: hooks.id,
    hosts,
    executor,
    prepareChild: (request, wanted) => children.prepare(request, wanted),
    commitFor,
    send: (from, messages) => courier.send(from, messages),
    onFinished: (ended) => {
      watchers.finished(ended);
      feeds.finished(ended);
    },
    onAwaiting: (run) => tellAwaiting(run, hooks.id(), storage.hints, awaiting),
    isAlone: storage.isExclusive === true,
    onUnread: hooks.onUnread,
    observer: {
      committed: (...args) => feeds.committed(...args),
      begun: (...args) => feeds.begun(...args),
      moved: (runId) => remoteWatches.moved(runId),
    },
    metrics,
    log,
    journalEntries: limits.journalEntries,
    payloadBytes: limits.payloadBytes,
    maxResidentRuns,
    retention,
  });
  const { claimer, awaiting, placeNewRun } = assembleTaking(options, hooks, ground, runner);
  const courier: Courier = new Courier({
    storage,
    workflows,
    runner,
    commitFor,
    placeNewRun,
    isPaused: hooks.isPaused,
    now,
    metrics,
    log,
  });
  return { runner, courier, claimer, awaiting, placeNewRun };
}

/** What finds runs that nobody owns. */
function assembleTaking(
  { storage, clock, log }: NodeOptions,
  { id, room, takesRuns, onCrowded, onOffer }: NodeHooks,
  { workflows, hosts, remoteWatches, metrics, now }: Ground,
  runner: Runner,
): Pick<NodeParts, "claimer" | "awaiting"> & { readonly placeNewRun: PlaceNewRun } {
  const claimer = new Claimer({
    storage,
    workflows,
    runner,
    node: id,
    isNode: (it) => it === id() && takesRuns(),
    clock,
    now,
    room,
    onCrowded,
    metrics,
    log,
  });
  const take = (runs: readonly DueRun[]): Promise<Taken> => claimer.take(runs);
  const onExpected = (run: RunRef, node: NodeId): void => void remoteWatches.remember(run, node);
  const awaiting = new AwaitingRuns({ storage, workflows, room, take, onExpected, onOffer, log });
  // Owned at once only where that overtakes nobody who waits.
  const ownerOfNew = (): NodeId | null => (claimer.caughtUp && room() > 0 ? id() : null);
  const placeNewRun = createPlaceNewRun({ hosts, ownerOfNew, now });
  return { claimer, awaiting, placeNewRun };
}

function tellAwaiting(
  { run, workflowId: workflow, workflowVersion, waitingOn }: AwaitingRun,
  node: NodeId,
  hints: Hints,
  awaiting: AwaitingRuns,
): void {
  if (waitingOn.function !== undefined) {
    awaiting.gaveUpForFunction({ tenant: run.tenant, function: waitingOn.function }, run);
    hints.tell(null, { kind: "awaiting-function", run, node, function: waitingOn.function });
    return;
  }
  const { workflow: name, version } = waitingOn;
  const announced = { id: workflow, version: workflowVersion };
  awaiting.gaveUp({ tenant: run.tenant, name, version }, run, announced);
  hints.tell(null, { kind: "awaiting", run, node, workflow, version: workflowVersion });
}
