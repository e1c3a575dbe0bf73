import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../bench.ts";
import { collectPlans, toPaths } from "./collect-plans.ts";
import { PLANS_PAGE, readPage } from "./page.ts";

const plans = collectPlans();

test("the page of plans has the statements and indexes of a fresh database", async () => {
  const page = readPage(await readFile(join(ROOT, PLANS_PAGE), "utf8"));
  const fresh = new Map((await plans).map((plan) => [plan.name, toPaths(plan)]));
  expect(fresh.size).toBeGreaterThan(40);
  expect(fresh.get("find_due")).toEqual(["runs_due"]);
  // `npm run bench -- --plans` writes it anew.
  expect(Object.fromEntries(page)).toEqual(Object.fromEntries(fresh));
});

test("a node reads no table whole but that of the nodes, which has a row a process", async () => {
  const whole = (await plans).flatMap(toPaths).filter((path) => path.startsWith("all of "));
  expect([...new Set(whole)]).toEqual(["all of nodes"]);
});
