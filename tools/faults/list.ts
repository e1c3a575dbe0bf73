// What can go wrong around a run, by number. A test that shows one carries the number at the end of its title:
// `… (fault 12)`, `… (faults 43, 44)`. Numbers are never given to another fault.

export const GROUPS = [
  "Processes and nodes",
  "Databases and disks",
  "Time",
  "Concurrency and the API",
] as const;

export interface Fault {
  readonly number: number;
  readonly group: (typeof GROUPS)[number];
  readonly scenario: string;
  /** What Millrace does then. */
  readonly expected: string;
  /** Why no test shows it. Gone as soon as one does. */
  readonly notYet?: string;
}

type Row = readonly [scenario: string, expected: string, notYet?: string];

const NO_SCHEDULES = "There are no schedules yet.";
const NO_LIMITS = "There are no limits on concurrency yet.";
const NEEDS_POSTGRES = "Comes with the tests of the PostgreSQL store.";
const NEEDS_NODES = "Comes with the tests of several nodes.";

const PROCESSES: readonly Row[] = [
  [
    "A worker is killed before a step's body begins",
    "Its lease runs out, and the step runs once at another; the journal has no gap.",
  ],
  [
    "A process is killed after a side effect and before the commit",
    "The body runs again with the same key; its result is committed once.",
  ],
  [
    "A process is killed after the commit and before the answer",
    "Nothing runs again; a client that repeats its call gets what was committed.",
  ],
  [
    "A process is killed in the middle of a commit of many units",
    "Each unit is there whole or not at all, and what was acknowledged is there.",
  ],
  [
    "A server is killed over and over under load",
    "All runs end, each step's result is there once, nothing is lost.",
  ],
  [
    "SIGTERM while long steps run",
    "No run is taken any more; bodies end or are handed over within the grace; the exit code is 0.",
  ],
  [
    "A node is frozen for longer than its lease, and goes on",
    "The fence refuses its writes; it drops the runs that it lost, and counts them.",
  ],
  [
    "User code blocks the event loop",
    "The heart beats in a thread of its own, and stops when the loop has stood still for too long.",
  ],
  [
    "A run kills each process that takes it",
    "It is tried again a few times, then set aside with the step that it stood at.",
  ],
  [
    "A step throws nothing at all, or leaves a rejected promise behind",
    "The step fails with an error that says so; the process stays up.",
  ],
  [
    "A step ends its process",
    "It counts as a crash. Isolated code fails its own run with a named error, and no other.",
  ],
  [
    "A step never ends, or loops without end",
    "Its timeout fails it; the process of isolated code is replaced; other runs go on.",
  ],
  [
    "A node's memory fills up",
    "The node would take no more runs, drain and start again.",
    "A node does not watch its memory yet; how many runs it holds is bounded.",
  ],
  [
    "All workers are gone for an hour, and come back",
    "Runs say what they wait for; the backlog drains by priority and age, within the workers' slots.",
  ],
  [
    "The node that was reaping is killed in the middle of it",
    "Another node does the whole pass again, within one lease.",
    NEEDS_NODES,
  ],
  [
    "Two nodes believe that it is theirs to reap",
    "A run is freed once: the second pass finds nothing to free.",
  ],
  [
    "A hundred nodes start together",
    "One of them migrates; connections are bounded; they take runs in turn.",
  ],
];

const DISKS: readonly Row[] = [
  [
    "PostgreSQL is restarted every few seconds under load",
    "Nodes try again with growing pauses and stay up; no acknowledged start is lost.",
  ],
  [
    "Fail-over to a replica that lost the last second",
    "The loss is found and named; writers from before it are refused.",
  ],
  [
    "The connection is lost between a commit and its answer",
    "The same units are sent until the store says what became of them; each counts once.",
  ],
  [
    "User code takes all connections of the pool",
    "The engine keeps connections of its own, so heartbeats go on.",
    NEEDS_POSTGRES,
  ],
  [
    "A pooler in transaction mode stands before PostgreSQL",
    "Nodes find what is due by looking, without `LISTEN`.",
  ],
  [
    "The connection that listens for wake-ups is dead, and nobody says so",
    "Nodes find what is due by looking; nothing is lost by a lost hint.",
  ],
  [
    "Lock timeout, deadlock, serialization failure",
    "The commit is sent again; all locks are taken in one order.",
  ],
  [
    "The disk is full",
    "Starts are refused with 503 and the reason; nothing is half written; all goes on when there is space.",
  ],
  ["A write or a sync fails", "The node stops for good; a failed sync is never taken for success."],
  [
    "The data folder cannot be written",
    "The server does not start, and names the folder and what is wrong with it.",
  ],
  [
    "The log is cut off, or a bit of it flips",
    "It ends before the first bad record: each commit is there whole or not at all.",
  ],
  [
    "The store is of a newer version, or a migration is broken off",
    "A newer store is refused where it broke compatibility; a migration is whole or not at all, and goes on at the next start.",
  ],
  [
    "Two versions run in one cluster during an upgrade",
    "Both work on a store that was only added to.",
  ],
  [
    "A long reader holds back vacuum",
    "Claims would stay on their partial index, and an alarm would tell of the bloat.",
    "There is no alarm for bloat yet.",
  ],
  [
    "Retention deletes while runs end",
    "Only what has ended and expired is removed: no live run, and no result that a parent still waits for.",
  ],
  [
    "A backup is taken under load, and restored elsewhere",
    "It is whole, and holds what was acknowledged; the restored copy starts paused.",
  ],
  [
    "A second process opens the same file",
    "It is refused with process and host of the first; a lock of the dead is free at once.",
  ],
];

const TIME: readonly Row[] = [
  [
    "A node's clock is ten minutes off",
    "Leases and timers follow the store's time; nothing fires early, nothing is taken from the living.",
  ],
  [
    "The clock jumps back by an hour",
    "Time stands still for a small jump and follows a large one, so timers never starve.",
  ],
  ["Summer time begins or ends", "A policy would say what a schedule does.", NO_SCHEDULES],
  [
    "A schedule that never comes, leap days",
    "The next time would be computed or never.",
    NO_SCHEDULES,
  ],
  [
    "A sleep of nothing, of less, of no number, of a century, or into the past",
    "What is no duration is refused; the past is now; a long sleep is not cut to 32 bits.",
  ],
  [
    "A crowd of timers falls due in the same second",
    "They are taken in order and in batches, as many as a node may hold.",
  ],
  ["A schedule fires faster than its runs end", "A policy would bound the backlog.", NO_SCHEDULES],
  [
    "A laptop sleeps for hours",
    "A process alone with its file keeps its runs; what fell due meanwhile happens once.",
  ],
];

const CALLS: readonly Row[] = [
  ["A hundred clients start with one key at once", "One run, and all are told the same."],
  [
    "One key, another payload",
    "The first run is told, with a mark; 409 where the caller asks for that.",
  ],
  [
    "A key is used again after its run ended, or after the key's own end",
    "The run is told, however it ended; a failed one may be replaced on request; an expired key starts anew.",
  ],
  [
    "A chosen name is used again, while its run lives or after it",
    "The live run is told, or the start is refused, as the caller wishes; an ended run frees its name.",
  ],
  [
    "Ten thousand starts in one call, some of them wrong",
    "Each has its own outcome; none is started where all or nothing was asked for.",
  ],
  [
    "A cancel races the end of its run",
    "One of them wins, and the run has one end; who comes too late is told that it has ended.",
  ],
  [
    "A cancel in every state of a run, and a second one",
    "Each is defined; retries and timers die with the run.",
  ],
  [
    "Signals before the wait, twice, after the end, by the thousand",
    "Kept, counted once, refused with a code, in order.",
  ],
  ["A signal while a step runs", "It is journaled; the step's body does not begin again."],
  ["A wait's timeout races its signal", "One of them is journaled, and the other changes nothing."],
  [
    "A child fails, is cancelled, runs out of time, or its parent ends first",
    "The parent's step fails with the reason; a parent that ends early cancels its children.",
  ],
  [
    "Children of children without end, or too many at once",
    "A limit ends the run with an error that says so.",
  ],
  [
    "A limit on concurrency is changed, or there are a million keys",
    "No slot leaks, and idle keys cost nothing.",
    NO_LIMITS,
  ],
  [
    "A run that holds a slot is killed",
    "The slot would be free in the same transaction.",
    NO_LIMITS,
  ],
  [
    "A flood of urgent runs",
    "Priority would age, so that nothing starves.",
    "Priorities do not age yet.",
  ],
  [
    "One tenant has a million runs queued",
    "Another's starts would not wait for them.",
    "Tenants still share one queue.",
  ],
  [
    "A run is retried from a step while it waited for a child",
    "What was done is kept, the step asks for a new child, and the old run stays as it was.",
  ],
  [
    "A million runs are cancelled by a filter",
    "A job on the server would do it and survive a crash.",
    "A call cancels a bounded number and says where to go on; there is no job on the server yet.",
  ],
];

/** In the order of their numbers, from 1. */
export const FAULTS: readonly Fault[] = [PROCESSES, DISKS, TIME, CALLS]
  .flatMap((rows, i) => rows.map((row) => ({ group: GROUPS[i] ?? GROUPS[0], row })))
  .map(({ group, row: [scenario, expected, notYet] }, i) => ({
    number: i + 1,
    group,
    scenario,
    expected,
    ...(notYet === undefined ? {} : { notYet }),
  }));
