import { describe, expect, test } from "vitest";
import { aFault } from "../suite/index.ts";
import { toConditions } from "../thread-conditions.ts";
import { Thread, type Health } from "./thread.ts";

interface EchoVerbs {
  echo(value: unknown): unknown;
  fail(code: string): never;
  die(): never;
  exit(): never;
  close(): void;
}

/** Answers as `serve` does, from a text: no file of this folder is needed. */
const ECHO = `
import { parentPort } from "node:worker_threads";
parentPort.on("message", (batch) => {
  if (batch.some(([, verb]) => verb === "die")) throw new Error("out of luck");
  if (batch.some(([, verb]) => verb === "exit")) process.exit(7);
  parentPort.postMessage(batch.map(([id, verb, [value]]) =>
    verb === "fail"
      ? [id, false, { code: value, message: "as asked", cause: "the cause" }]
      : [id, true, [value, batch.length]]));
  if (batch.some(([, verb]) => verb === "close")) parentPort.close();
});`;

function startEcho(health: Health): Thread<EchoVerbs> {
  const entry = new URL(`data:text/javascript,${encodeURIComponent(ECHO)}`);
  return new Thread<EchoVerbs>("echo", entry, null, health);
}

describe("toConditions", () => {
  test("keeps conditions with their values, and nothing else", () => {
    const flags = [
      "--input-type=module",
      "--conditions=a",
      "-C",
      "b",
      "--conditions",
      "c",
      "-e",
      "1",
    ];
    expect(toConditions(flags)).toEqual(["--conditions=a", "-C", "b", "--conditions", "c"]);
  });
});

describe("Thread", () => {
  test("sends the calls of one turn as one message, and answers each", async () => {
    const thread = startEcho({ failure: null });
    const answers = await Promise.all([thread.call("echo", "a"), thread.call("echo", "b")]);
    expect(answers).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
    expect(await thread.call("echo", "c")).toEqual(["c", 1]);
    await thread.close();
  });

  test("throws a fault with its code, message and cause", async () => {
    const thread = startEcho({ failure: null });
    await expect(thread.call("fail", "storage.full")).rejects.toMatchObject({
      name: "MillraceError",
      code: "storage.full",
      message: "as asked",
      cause: { message: "the cause" },
    });
    expect(await thread.call("echo", 1)).toEqual([1, 1]);
    await thread.close();
  });

  test("that met storage.failed ends all calls, also of the store's other thread", async () => {
    const health: Health = { failure: null };
    const [one, two] = [startEcho(health), startEcho(health)];
    const failed = { code: "storage.failed" };
    await expect(one.call("fail", "storage.failed")).rejects.toMatchObject(failed);
    await expect(one.call("echo", 1)).rejects.toMatchObject(failed);
    await expect(two.call("echo", 1)).rejects.toMatchObject(failed);
    await Promise.all([one.close(), two.close()]);
  });

  test("that dies fails the calls under way and all later ones", async () => {
    const thread = startEcho({ failure: null });
    const failed = aFault("storage.failed", "echo thread has died");
    await expect(thread.call("die")).rejects.toEqual(failed);
    await expect(thread.call("echo", 1)).rejects.toMatchObject({
      cause: { message: "out of luck" },
    });
    await thread.close();
  });

  test("that has gone is closed without waiting for its answer", async () => {
    const thread = startEcho({ failure: null });
    await expect(thread.call("exit")).rejects.toMatchObject({
      code: "storage.failed",
      cause: { message: "the thread exited with code 7" },
    });
    await thread.close();
  });

  test("refuses what cannot be sent, and goes on", async () => {
    const thread = startEcho({ failure: null });
    const call = thread.call("echo", () => "a function");
    await expect(call).rejects.toEqual(aFault("storage.rejected"));
    expect(await thread.call("echo", 1)).toEqual([1, 1]);
    await thread.close();
  });
});
