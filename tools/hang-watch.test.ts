import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { ROOT } from "./workspace.ts";

test("a run in which no test ends any more is ended, and says where it stood", async () => {
  const root = join(ROOT, "tools", "testkit", "stuck");
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--root", root], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(said).toMatch(/^HUNG: no test has ended for \d+ s\. Running:\nstuck\.ts, since \d+ s$/m);
  expect(child.exitCode).toBe(1);
});
