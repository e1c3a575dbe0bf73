import { MillraceError, type ClientTransport, type StartCommand } from "@millrace/protocol";
import { asJsonText } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { createLivingClient, type LivingEngine } from "./living-transport.ts";

/** Processes that die over what they are asked, but for the last one, which answers. */
function aMortalEngine(...clients: readonly Partial<ClientTransport>[]): LivingEngine {
  const deaths = clients.map(() => Promise.withResolvers<void>());
  let lives = 0;
  const die = <T>(asked: T): T => {
    deaths[lives++]?.resolve();
    return asked;
  };
  return {
    living: async () => {
      const isLast = lives === clients.length - 1;
      const own = clients[lives] ?? {};
      // What a test does not give is not called.
      const client = (isLast ? own : mapValues(own, die)) as ClientTransport;
      const died = deaths[lives]?.promise ?? Promise.resolve();
      return { node: { connect: () => ({ client, worker: { attach: never } }) }, died };
    },
  };
}

/** Has each method answer never, and its process die. */
function mapValues(
  client: Partial<ClientTransport>,
  die: <T>(asked: T) => T,
): Partial<ClientTransport> {
  const entries = Object.entries(client).map(([name, method]) => [
    name,
    (...args: readonly unknown[]) => {
      // Methods of a transport are functions, whatever they take.
      die((method as (...args: readonly unknown[]) => unknown)(...args));
      return never();
    },
  ]);
  return Object.fromEntries(entries) as Partial<ClientTransport>;
}

const never = (): Promise<never> => new Promise(() => undefined);

const aStart = (more: Partial<StartCommand> = {}): StartCommand => ({
  workflow: "order",
  input: asJsonText("{}"),
  ...more,
});

describe("createLivingClient", () => {
  test("asks the next process what a dead one has not answered", async () => {
    const asked: string[] = [];
    const answerAs = (name: string) => ({
      getRun: async (run: string) => {
        asked.push(`${name} ${run}`);
        return null;
      },
    });
    const world = aMortalEngine(answerAs("first"), answerAs("second"));
    expect(await createLivingClient(world).getRun("run_1")).toBeNull();
    expect(asked).toEqual(["first run_1", "second run_1"]);
  });

  test("repeats a start under one key, so that it starts one run, which is its own", async () => {
    const commands: StartCommand[] = [];
    const world = aMortalEngine(
      { startRuns: async (some) => (commands.push(...some), []) },
      {
        startRuns: async (some) => {
          commands.push(...some);
          return some.map((_, i) => ({ kind: "existing", runId: `run_${i}` }));
        },
      },
    );
    const starts = [
      aStart(),
      aStart({ idempotencyKey: "mine" }),
      aStart({ onConflict: "existing" }),
    ];
    expect(await createLivingClient(world).startRuns(starts)).toEqual([
      { kind: "created", runId: "run_0" },
      { kind: "existing", runId: "run_1" },
      { kind: "existing", runId: "run_2" },
    ]);
    const keys = commands.map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([expect.any(String), "mine", undefined, ...keys.slice(0, 3)]);
  });

  test("throws what an answer is, and asks nobody else", async () => {
    const refuse = (): Promise<never> => Promise.reject(new MillraceError("run.not-found"));
    const world = aMortalEngine({ retryRun: refuse });
    await expect(createLivingClient(world).retryRun("run_1")).rejects.toMatchObject({
      code: "run.not-found",
    });
  });
});
