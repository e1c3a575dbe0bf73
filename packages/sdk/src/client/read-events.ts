/** One of a stream of server-sent events. */
export interface SentEvent {
  readonly type: string;
  /** "" : it has none. */
  readonly id: string;
  readonly data: string;
}

/**
 * Reads `text/event-stream`. Ends with the body; an event that the body breaks off is not told.
 *
 * @param onSign is called whenever something comes, also a comment
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onSign: () => void,
): AsyncGenerator<SentEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onSign();
      const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = readEvent(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    // Whoever stops listening ends the request.
    await reader.cancel().catch(() => undefined);
  }
}

function readEvent(block: string): SentEvent | null {
  let type = "message";
  let id = "";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(line.charAt(colon + 1) === " " ? colon + 2 : colon + 1);
    const field = line.slice(0, colon);
    if (field === "event") type = value;
    else if (field === "id") id = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { type, id, data: data.join("\n") };
}
