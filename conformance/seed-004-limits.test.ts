// Seed 004: workflows that do not run now, and requests above the limit.
import { describe, expect, test } from "vitest";
import {
  openListeningServer,
  type ListeningServer,
  type SampleAnswer,
} from "./open-listening-server.ts";
import { get, post } from "./rest-requests.ts";
import { readJsonSample, readSample } from "./sample.ts";
import { readSampleStore } from "./sample-store.ts";
import { curl, ECHO } from "./seed-004-samples.ts";

describe("Common errors", { timeout: 60_000 }, () => {
  test.each([
    ["paused", "pause"],
    ["archived", "archive"],
  ])("004-17: the answer for a workflow that is %s names it so", async (status, move) => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const moved = await here.send(
      move === "archive"
        ? { ...get(here, `/workflows/${workflow}`), method: "DELETE" }
        : post(here, `/workflows/${workflow}/${move}`),
    );
    expect(moved.status).toBe(200);
    const answer = await here.send(curl("004/02-run.sh", here, { workflow }));
    expect(answer.status).toBe(400);
    const printed = readSample("004/17-not-active.json").replace("draft", status);
    expect(answer.body).toMatchObject(JSON.parse(printed) as object);
  });

  test("004-18: request 501 inside a minute is refused as printed, for that key alone, and later it is not", async () => {
    const clock = new MinuteClock();
    // A store that nodes share counts by its own clock, which nobody moves; `key-windows.test.ts` looks a minute ahead.
    const isShared = readSampleStore() !== "sqlite";
    await using here = await openListeningServer(isShared ? {} : { clock });
    const workflow = await here.server.install(ECHO);
    const [key, other] = [await limitedKey(here), await limitedKey(here)];
    const run = (by: string): Promise<SampleAnswer> =>
      here.send(curl("004/02-run.sh", here, { workflow, key: by }));
    for (let n = 1; n <= 500; n++) expect((await run(key)).status).toBe(201);
    const refused = await run(key);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject(readJsonSample("004/18-rate-limited.json") as object);
    expect(refused.headers.get("x-ratelimit-limit")).toBe("500");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await run(other)).status).toBe(201);
    if (isShared) return;
    clock.ms += 61_000;
    expect((await run(key)).status).toBe(201);
  });
});

/** Seconds pass when a test says so. */
class MinuteClock {
  ms = 1_700_000_000_000;

  epochMs(): number {
    return this.ms;
  }

  monotonicMs(): number {
    return this.ms;
  }
}

/** A key as people get it: with the limits that keys have by default. */
async function limitedKey(here: ListeningServer): Promise<string> {
  const asked = { name: "shop", scopes: ["workflows:execute"] };
  const made = await here.send(post(here, "/api-keys", asked));
  expect(made.status).toBe(201);
  return String(made.body.data["key"]);
}
