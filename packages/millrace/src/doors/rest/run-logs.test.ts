import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";

interface Line {
  readonly sequence: number;
  readonly time: string;
  readonly level: string;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly message: string;
}

describe("GET /runs/{id}/logs", () => {
  test("tells start, entries and end of a run, page by page", async () => {
    let calls = 0;
    await using server = await openTestServer({
      functions: {
        a: () => {
          calls += 1;
          if (calls === 1) throw new Error("busy");
        },
        b: () => {
          throw new Error("declined");
        },
      },
    });
    const workflow = await server.install({
      name: "Order",
      steps: [
        {
          id: "a",
          type: "function",
          function: "a",
          retryConfig: { retries: 1, initialDelayMs: 1 },
        },
        { id: "pause", type: "wait", config: { duration: 5 } },
        { id: "b", type: "function", function: "b" },
      ],
    });
    const started = await server.send("POST", `/api/v1/workflows/${workflow}/run?wait=10`);
    const path = `/api/v1/runs/${started.body.data.runId}/logs`;
    const { status, body } = await server.send("GET", path);
    expect(status).toBe(200);
    const lines = body.data as unknown as readonly Line[];
    const shown = lines.map(
      ({ sequence, level, step, attempt, message }) =>
        `${sequence} ${level} ${step ?? "-"} ${attempt ?? "-"} ${message.replace(/\d+ ms$/, "n ms").replace(/ (at|until) .*Z$/, " $1 …")}`,
    );
    expect(shown).toEqual([
      "0 info - - Started, version 1 of the workflow",
      "1 warn a 1 Failed: busy; next attempt at …",
      "2 info a 2 Completed in n ms",
      "3 info pause - Waits until …",
      "4 info pause 1 Completed in n ms",
      "5 error b 1 Failed: declined",
      "6 error b - Failed: declined",
    ]);
    for (const { time } of lines) expect(new Date(time).toISOString()).toBe(time);

    const paged: Line[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const query = cursor === "" ? "" : `&cursor=${cursor}`;
      const page = await server.send("GET", `${path}?limit=3${query}`);
      paged.push(...(page.body.data as unknown as readonly Line[]));
      cursor = page.body.meta.cursor;
    }
    expect(paged).toEqual(lines);
    const over = await server.send("GET", `${path}?cursor=6`);
    expect(over.body).toMatchObject({ data: [], meta: { cursor: null, hasMore: false } });
  });

  test.each([
    ["/api/v1/runs/run_01JD0Q8Y7C1V0Z0G0000000000/logs?limit=0", 404],
    ["/api/v1/runs/x/logs", 404],
  ])("answers %s with %i", async (path, status) => {
    await using server = await openTestServer();
    expect(await server.send("GET", path)).toMatchObject({ status });
  });
});
