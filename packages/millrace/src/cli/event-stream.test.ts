import { describe, expect, test } from "vitest";
import { readEvents, type ServerEvent } from "./event-stream.ts";

async function read(...chunks: readonly string[]): Promise<readonly ServerEvent[]> {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  return Array.fromAsync(readEvents(stream));
}

describe("readEvents", () => {
  test("reads id, name and data, over several lines too", async () => {
    expect(await read("id: 7\nevent: step\ndata: {\ndata: }\n\n")).toEqual([
      { id: "7", event: "step", data: "{\n}" },
    ]);
  });

  test("puts together what comes in pieces, and tells apart what comes at once", async () => {
    const events = await read("data: o", "ne\n", "\ndata:two\r\n\r\ndata: thr");
    expect(events.map(({ data }) => data)).toEqual(["one", "two"]);
  });

  test("passes comments over", async () => {
    expect(await read(": keep-alive\n\n", "retry: 100\n\n", "data: x\n\n")).toHaveLength(1);
  });
});
