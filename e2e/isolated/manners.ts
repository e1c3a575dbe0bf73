// Code that behaves, and code that behaves as badly as a process allows.
import { workflow } from "@millrace/sdk";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { tell } from "../functions/lines/tell.ts";

interface Order {
  readonly n: number;
  /** The second step waits for a file of this name in the working folder. */
  readonly file?: string;
}

const untilThere = async (file: string): Promise<void> => {
  while (!existsSync(file)) await pause(5);
};

export const order = workflow("order", {}, async (ctx, { n, file }: Order) => {
  const one = await ctx.run("add", () => n + 1);
  await ctx.run("wait", async ({ step, attempt }) => {
    if (file === undefined) return;
    await tell({ runId: ctx.runId, step, attempt });
    await untilThere(file);
  });
  const two = await ctx.run("double", () => one * 2);
  return { n: two };
});

export const block = workflow("block", {}, (ctx, { ms }: { ms: number }) =>
  ctx.run("block", () => {
    const until = performance.now() + ms;
    while (performance.now() < until);
    return "free again";
  }),
);

export const loop = workflow("loop", {}, (ctx) =>
  ctx.run(
    "loop",
    () => {
      for (;;);
    },
    { timeout: 500 },
  ),
);

/** Nobody waits for it long enough to stop it. */
export const spin = workflow("spin", {}, (ctx) =>
  ctx.run("spin", async ({ step, attempt }) => {
    await tell({ runId: ctx.runId, step, attempt });
    for (;;);
  }),
);

export const exit = workflow("exit", {}, (ctx) => ctx.run("exit", () => process.exit(7)));

export const throwAside = workflow("throw-aside", {}, (ctx) =>
  ctx.run("throw", () => {
    setTimeout(() => {
      throw new Error("nobody catches this");
    }, 1);
    return new Promise(() => {});
  }),
);

export const exitOutside = workflow("exit-outside", {}, async (ctx) => {
  await ctx.run("first", () => 1);
  process.exit(0);
});

export const kill = workflow("kill", {}, (ctx) =>
  ctx.run("kill", () => {
    process.kill(process.pid, "SIGKILL");
    return new Promise(() => {});
  }),
);

export const say = workflow("say", {}, (ctx) =>
  ctx.run("say", () => {
    console.log("said by a step");
    return { key: process.env["MILLRACE_KEY"] ?? null, given: process.env["GIVEN"] ?? null };
  }),
);

/** For steps of JSON workflows. */
export const double = ({ n }: { n: number }): { n: number } => ({ n: n * 2 });
export const leave = (): never => process.exit(3);
