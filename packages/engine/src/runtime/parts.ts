// What a node is made of, put together. Nothing here decides or runs anything.
import type { MillraceError, NodeId, RunId, TenantId, Timestamp } from "@millrace/protocol";
import type { RunRef } from "../core/run-head.ts";
import { Callables } from "./callables.ts";
import { Children } from "./children.ts";
import type { CancelOutcome, CancelRequest } from "./commands.ts";
import { Claimer } from "./claimer.ts";
import { CodeCatalog } from "./code-catalog.ts";
import { Courier } from "./courier.ts";
import { Events, type EventsOptions } from "./events.ts";
import { GroupCommit } from "./group-commit.ts";
import { Hosts } from "./hosts.ts";
import { InlineExecutor } from "./inline-executor.ts";
import { Keys } from "./keys.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { NodeOptions } from "./node.ts";
import { cancelRun } from "./cancels.ts";
import { RunFeeds } from "./run-feeds.ts";
import { RunReader } from "./run-reader.ts";
import { Runner } from "./runner.ts";
import { Runs, type RunsOptions } from "./runs.ts";
import { Starts, type StartsOptions } from "./starts.ts";
import type { StoreTime } from "./store-time.ts";
import { StoredFunctions } from "./stored-functions.ts";
import { Tenants } from "./tenants.ts";
import { Watchers } from "./watchers.ts";
import { wakeRuns } from "./wake-runs.ts";
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
  /** Why it takes no commands now; null: it does. */
  readonly refusal: () => MillraceError | null;
  readonly onFatal: (error: MillraceError) => void;
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
  const hosts = new Hosts({
    wake: (tenant, runIds) => wakeRuns(tenant, runIds, commitFor, random),
  });
  const executor = createExecutor(options, { stored, hosts, metrics, now });
  const workflows = new Workflows({ catalog: storage.catalog, kind: options.programs });
  const reader = new RunReader(storage, workflows, (runId) => moving.runner.progress(runId));
  const isResident = (tenant: TenantId, runId: RunId): boolean => moving.runner.has(tenant, runId);
  const watchers: Watchers = new Watchers({
    clock,
    read: (tenant, runId) => reader.get(tenant, runId),
    show: ({ history, journal }) => reader.show(history, journal),
    isResident,
  });
  const feeds = new RunFeeds({ clock, reader, isResident });
  const moving = assembleMoving(options, hooks, {
    executor,
    workflows,
    watchers,
    feeds,
    hosts,
    metrics,
    commitFor,
    now,
  });
  const { runner, courier, ownerOfNew } = moving;
  const workspaces = new Workspaces(storage.catalog, log);
  const beginning = { now, random, limits, metrics, log };
  const starting = assembleStarts(
    { ...beginning, storage, workflows, workspaces, runner, commitFor, ownerOfNew },
    { reader, feeds, courier, refusal: hooks.refusal },
  );
  return {
    ...moving,
    ...starting,
    metrics,
    lanes,
    executor,
    stored,
    workflows,
    editor: createEditor(options, workflows, stored, now),
    reader,
    watchers,
    keys: new Keys(storage.catalog, clock, time),
    tenants: new Tenants(storage.catalog, time),
    workspaces,
    workers: createWorkers(options, hooks, { hosts, workflows, now }),
    commitFor,
  };
}

function createWorkers(
  { storage, random, log }: NodeOptions,
  { refusal }: NodeHooks,
  { hosts, workflows, now }: Pick<Ground, "hosts" | "workflows" | "now">,
): Workers {
  const catalog = new CodeCatalog({ catalog: storage.catalog, workflows, now, random });
  return new Workers({ storage, hosts, catalog, workflows, refusal, log });
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
  readonly hosts: Hosts;
  readonly metrics: Metrics;
  readonly now: () => Timestamp;
}

function createExecutor(
  { functions, actions = {}, callFunction, clock, limits }: NodeOptions,
  { stored, hosts, metrics, now }: ExecutorGround,
): InlineExecutor {
  const callables = new Callables({
    functions,
    actions,
    callFunction: callFunction ?? null,
    findStored: (tenant, name) => stored.find(tenant, name),
    clock,
    hosts,
  });
  return new InlineExecutor({ callables, clock, now, limits, metrics });
}

function createEditor(
  { storage, programs, random, functions, actions = {} }: NodeOptions,
  workflows: Workflows,
  stored: StoredFunctions,
  now: () => Timestamp,
): WorkflowEditor {
  return new WorkflowEditor({
    catalog: storage.catalog,
    kind: programs,
    workflows,
    names: {
      functions: new Set(Object.keys(functions)),
      actions: new Set(Object.keys(actions)),
      findStored: (tenant, name) => stored.find(tenant, name),
    },
    now,
    random,
  });
}

function createLanes(
  { storage, clock }: NodeOptions,
  { id, onFatal }: NodeHooks,
  metrics: Metrics,
): readonly [GroupCommit, ...GroupCommit[]] {
  const create = (lane: number): GroupCommit =>
    new GroupCommit({ storage, lane, node: id, clock, metrics, onFatal });
  const more = Array.from({ length: storage.lanes - 1 }, (_, i) => create(i + 1));
  return [create(0), ...more];
}

type Ground = Pick<NodeParts, "executor" | "workflows" | "watchers" | "metrics" | "commitFor"> & {
  readonly feeds: RunFeeds;
  readonly hosts: Hosts;
  readonly now: () => Timestamp;
};

/** Runner, courier and claimer: what moves runs. */
function assembleMoving(
  { storage, clock, limits, log, maxResidentRuns }: NodeOptions,
  hooks: NodeHooks,
  { executor, workflows, watchers, feeds, hosts, metrics, commitFor, now }: Ground,
): Pick<NodeParts, "runner" | "courier" | "claimer"> & {
  readonly ownerOfNew: () => NodeId | null;
} {
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
    observer: feeds,
    metrics,
    log,
    journalEntries: limits.journalEntries,
    payloadBytes: limits.payloadBytes,
    maxResidentRuns,
  });
  const claimer = new Claimer({
    storage,
    workflows,
    runner,
    node: hooks.id,
    isNode: (id) => id === hooks.id() && hooks.takesRuns(),
    clock,
    now,
    room: hooks.room,
    metrics,
    log,
  });
  // Owned at once only where that overtakes nobody who waits.
  const ownerOfNew = (): NodeId | null =>
    claimer.caughtUp && hooks.room() > 0 ? hooks.id() : null;
  const courier: Courier = new Courier({
    storage,
    workflows,
    runner,
    commitFor,
    ownerOfNew,
    now,
    metrics,
  });
  return { runner, courier, claimer, ownerOfNew };
}
