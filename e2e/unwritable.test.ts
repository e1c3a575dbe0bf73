// Places where a server cannot keep its data: it does not start, and says where and why.
import { spawnSync } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { soon, TEST_TIMEOUT_MS } from "./deadline.ts";
import { openWorld, type World } from "./world.ts";

const SETPRIV = "setpriv";
/** Without the right to pass over what a file allows. */
const LESS = ["--bounding-set=-dac_override", "--inh-caps=-dac_override"];

/** Words before a command that let root be refused as anybody else; others are refused anyway. */
function asAnybody(context: TestContext): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  if (spawnSync(SETPRIV, [...LESS, "true"]).status === 0) return [SETPRIV, ...LESS];
  const why = "root can write everywhere here, and cannot give that up";
  console.warn(`skipped "${context.task.name}": ${why}`);
  return context.skip(why);
}

/** What a server says that does not start. */
async function refusalOf(world: World, under: readonly string[] = []): Promise<string> {
  const { process } = world.spawn({ under });
  const exit = await soon("the server to end", process.exited);
  expect(exit.signal).toBeNull();
  expect(exit.code).toBeGreaterThan(0);
  return process.stderr();
}

describe("a server that may not write", { timeout: TEST_TIMEOUT_MS }, () => {
  test("to its folder does not start, says why, and starts when it may (fault 27)", async (context) => {
    const under = asAnybody(context);
    await using world = await openWorld();
    const data = join(world.folder, "data");
    await mkdir(data);
    await chmod(data, 0o500);
    const refusal = await refusalOf(world, under);
    expect(refusal).toContain(`Cannot use ${data} for data (EACCES: permission denied`);
    expect(refusal).toContain("Choose another folder with --data.");
    // Nothing was left half done: it starts where it may write.
    await chmod(data, 0o700);
    const { client } = await world.start();
    expect((await client.health()).status).toBe(200);
  });

  test("below a file does not start, and says why (fault 27)", async () => {
    await using world = await openWorld();
    const data = join(world.folder, "data");
    await writeFile(data, "");
    expect(await refusalOf(world)).toContain(`Cannot use ${data} for data (ENOTDIR`);
  });

  test("to its database does not start, says why, and starts when it may (fault 27)", async (context) => {
    const under = asAnybody(context);
    await using world = await openWorld();
    await (await world.start()).stop();
    await chmod(world.store, 0o400);
    const refusal = await refusalOf(world, under);
    expect(refusal).toContain("database file (attempt to write a readonly database");
    expect(refusal).toContain(`"data":"${join(world.folder, "data")}"`);
    await chmod(world.store, 0o600);
    expect((await (await world.start()).client.health()).status).toBe(200);
  });
});
