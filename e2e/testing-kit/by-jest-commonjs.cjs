// As the compiler writes tests of a CommonJS application.
"use strict";

const { equal } = require("node:assert/strict");
const { workflow } = require("@millrace/sdk");
const { createTestEngine } = require("millrace/testing");

/**
 * Jest makes it a global.
 *
 * @type {(name: string, body: () => Promise<void>) => void}
 */
// oxlint-disable-next-line typescript/no-unsafe-assignment -- nothing declares it; its type stands above
const test = Reflect.get(globalThis, "test");

const nap = workflow("nap", {}, async (ctx) => {
  await ctx.sleep("nap", "365 days");
  return "awake";
});

test("skips a year from CommonJS", async () => {
  const engine = await createTestEngine({ workflows: [nap] });
  const run = await engine.start(nap, {});
  equal(await run.result(), "awake");
  await engine.close();
});
