import { beforeAll, describe, expect, test } from "vitest";
import { FAULTS, type Fault } from "./faults.ts";
import { PLANTS, simulate, type Plant, type SimulationReport } from "./simulate.ts";
import { tellFailure } from "./tell-failure.ts";

const SEEDS = 500;
/** A planted mistake is found within so many stories, or the simulator has lost its teeth. */
const SEEDS_TO_BITE = 50;
/** Every so many of them are played a second time. */
const AGAIN_EVERY = 5;
/** What happens in fewer stories is not tried in earnest. */
const LEAST_STORIES = 5;
const TIMEOUT_MS = 240_000;

const reports: SimulationReport[] = [];

/** All of them, once for all tests. */
beforeAll(async () => {
  for (let seed = 1; seed <= SEEDS; seed++) reports.push(await simulate({ seed }));
}, TIMEOUT_MS);

/** Stories in which it happened. */
const storiesWith = (fault: Fault): readonly SimulationReport[] =>
  reports.filter(({ coverage }) => coverage[fault] > 0);

/** What does not hold: that each happened in some stories, and that in these all was true that must be. */
const findUnproven = (...faults: readonly Fault[]): readonly string[] =>
  faults.flatMap((fault) => {
    const stories = storiesWith(fault);
    const wrong = stories.filter(({ violation }) => violation !== null);
    const isRare = stories.length < LEAST_STORIES;
    return [
      ...(isRare ? [`${fault} happened in ${stories.length} stories only`] : []),
      ...wrong.map(({ seed }) => `${fault} went wrong in seed ${seed}`),
    ];
  });

describe("simulate", () => {
  test(`finds nothing wrong in ${SEEDS} stories of crashes, frozen nodes, lost and doubled messages`, async () => {
    const failures: string[] = [];
    for (const report of reports)
      if (report.violation !== null) failures.push(await tellFailure(report));
    expect(failures).toEqual([]);
  });

  test("plays a seed the same way twice", async () => {
    const some = reports.filter(({ seed }) => seed % AGAIN_EVERY === 0);
    const again: SimulationReport[] = [];
    for (const { seed } of some) again.push(await simulate({ seed }));
    expect(again).toEqual(some);
  });

  test("tries every class of faults that it knows", () => {
    expect(FAULTS.filter((fault) => storiesWith(fault).length < LEAST_STORIES)).toEqual([]);
  });

  test.each(PLANTS)(
    "finds the planted mistake %s, and finds it again by its seed",
    async (plant) => {
      const found = await firstViolation(plant);
      expect(found.violation).not.toBeNull();
      const again = await simulate({ seed: found.seed, plant });
      expect(again).toEqual(found);
    },
  );

  test("tells of a seed that failed what was wrong, what came before, and how to play it again", async () => {
    const found = await firstViolation("never-reaped");
    const told = await tellFailure(found, "never-reaped");
    expect(told).toContain(`seed ${found.seed}: ${found.violation}`);
    expect(told).toMatch(/\n {2}17000\d+\.\d{3} host-\d+ /);
    expect(told).toContain(
      `npm run simulate -- --from ${found.seed} --seeds 1 --plant never-reaped`,
    );
  });
});

async function firstViolation(plant: Plant): Promise<SimulationReport> {
  for (let seed = 1; ; seed++) {
    const report = await simulate({ seed, plant });
    if (report.violation !== null || seed === SEEDS_TO_BITE) return report;
  }
}

describe("a simulated cluster", () => {
  test("goes on when workers are killed, paused and cut off (fault 1)", () => {
    expect(findUnproven("worker-killed", "worker-paused", "worker-cut-off")).toEqual([]);
  });

  test("ends every run once when nodes are killed at any moment (faults 2, 3, 5)", () => {
    expect(findUnproven("node-killed", "node-never-came-back")).toEqual([]);
  });

  test("hands its runs over when nodes stop, one or all in turn (fault 6)", () => {
    expect(findUnproven("node-stopped", "nodes-restarted-in-turn")).toEqual([]);
  });

  test("takes nothing from a node that was paused for longer than its lease (fault 7)", () => {
    expect(findUnproven("node-paused-beyond-its-lease", "node-declared-dead-and-back")).toEqual([]);
  });

  test("bears loops that stand still, with and without a heart that beats (fault 8)", () => {
    expect(findUnproven("loop-blocked", "loop-blocked-while-the-heart-beats")).toEqual([]);
  });

  test("sets a run aside that kills each process that takes it (fault 9)", () => {
    expect(findUnproven("run-killed-its-process", "run-quarantined")).toEqual([]);
  });

  test("goes on after an hour without any node, or without any worker (fault 14)", () => {
    expect(findUnproven("all-nodes-away-for-an-hour", "all-workers-away-for-an-hour")).toEqual([]);
  });

  test("bears many nodes that start together, and grows (fault 17)", () => {
    expect(findUnproven("many-nodes-started-together", "node-added")).toEqual([]);
  });

  test("loses nothing when the store restarts, or one of its databases fails (fault 18)", () => {
    expect(
      findUnproven("store-restarted", "store-refused-a-call", "lane-failed", "many-lanes"),
    ).toEqual([]);
  });

  test("writes once what is sent twice, late, or without an answer (fault 20)", () => {
    expect(
      findUnproven("request-lost", "request-late", "answer-lost", "commit-applied-twice"),
    ).toEqual([]);
  });

  test("needs no hint: they are lost, late, doubled, or there are none (faults 22, 23)", () => {
    expect(findUnproven("hint-lost", "hint-late", "hint-doubled", "no-hints")).toEqual([]);
  });

  test("sends again what a serialization failure has undone (fault 24)", () => {
    expect(findUnproven("serialization-failure", "unit-rejected")).toEqual([]);
  });

  test("goes on when a full store has room again (fault 25)", () => {
    expect(findUnproven("store-full")).toEqual([]);
  });

  test("follows the store's time, whatever its own clocks say (faults 35, 36)", () => {
    expect(
      findUnproven("clock-at-its-own-rate", "wall-clock-jumped", "store-time-stepped-back"),
    ).toEqual([]);
  });

  test("sleeps for nothing, for a century, and into the past (fault 39)", () => {
    expect(
      findUnproven("sleep-of-nothing", "sleep-into-the-past", "long-sleep", "sleep-of-a-century"),
    ).toEqual([]);
  });

  test("wakes a crowd that is due in one instant (fault 40)", () => {
    expect(findUnproven("crowd-of-timers")).toEqual([]);
  });

  test("keeps all it has while it stands still with its machine (fault 42)", () => {
    expect(findUnproven("node-suspended")).toEqual([]);
  });

  test("starts one run for a key that many nodes are told at once (fault 43)", () => {
    expect(findUnproven("key-shared")).toEqual([]);
  });

  test("gives one name to one live run (fault 46)", () => {
    expect(findUnproven("name-shared")).toEqual([]);
  });

  test("gives a run one end when a cancellation races it (fault 48)", () => {
    expect(findUnproven("cancelled-in-time", "cancelled-too-late", "cancel-lost-the-race")).toEqual(
      [],
    );
  });

  test("cancels runs in every state, twice, and many at once (fault 49)", () => {
    expect(
      findUnproven(
        "cancelled-before-its-first-step",
        "cancelled-while-moving",
        "cancelled-while-it-slept",
        "cancelled-while-it-waited",
        "cancelled-before-a-retry",
        "cancelled-twice",
        "many-cancelled",
      ),
    ).toEqual([]);
  });

  test("keeps signals in order and counts each once, whenever they come (faults 50, 51)", () => {
    expect(
      findUnproven(
        "signals-in-a-burst",
        "signal-repeated",
        "signal-before-its-wait",
        "signal-during-its-wait",
        "signal-after-the-end",
      ),
    ).toEqual([]);
  });

  test("ends a wait once, by its signal or by its time (fault 52)", () => {
    expect(findUnproven("wait-timed-out", "signal-during-its-wait")).toEqual([]);
  });

  test("leaves no child behind whose parent was cancelled or has failed (fault 53)", () => {
    expect(findUnproven("cancelled-with-its-child", "run-retried")).toEqual([]);
  });
});
