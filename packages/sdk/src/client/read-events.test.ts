import { describe, expect, test } from "vitest";
import { readEvents, type SentEvent } from "./read-events.ts";

/** The text in pieces of so many bytes. */
function inPieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull: (stream) => {
      if (at >= bytes.length) stream.close();
      else stream.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

async function collect(text: string, size = 1_000): Promise<SentEvent[]> {
  const events: SentEvent[] = [];
  for await (const event of readEvents(inPieces(text, size), () => undefined)) events.push(event);
  return events;
}

describe("a stream of events", () => {
  const TEXT =
    ': hello\n\nevent: a\nid: 1\ndata: {"x":"€"}\n\ndata:two\ndata: lines\n\nevent: cut\ndata: 1\n';
  const EVENTS = [
    { type: "a", id: "1", data: '{"x":"€"}' },
    { type: "message", id: "", data: "two\nlines" },
  ];

  test.each([1, 2, 3, 7, 1_000])("is the same in pieces of %d bytes", async (size) => {
    expect(await collect(TEXT, size)).toEqual(EVENTS);
  });

  test("may end its lines as other systems do", async () => {
    for (const size of [1, 2, 5]) {
      expect(await collect(TEXT.replaceAll("\n", "\r\n"), size)).toEqual(EVENTS);
    }
  });

  test("gives a sign of life for a comment, too", async () => {
    let signs = 0;
    for await (const event of readEvents(inPieces(": still here\n\n", 4), () => (signs += 1))) {
      throw new Error(event.data);
    }
    expect(signs).toBe(4);
  });

  test("is cancelled when its reader stops", async () => {
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (stream) => stream.enqueue(new TextEncoder().encode("data: 1\n\n")),
      cancel: () => {
        isCancelled = true;
      },
    });
    for await (const { data } of readEvents(endless, () => undefined)) {
      expect(data).toBe("1");
      break;
    }
    expect(isCancelled).toBe(true);
  });
});
