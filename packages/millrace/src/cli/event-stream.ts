// Reads server-sent events: blocks of `field: value` lines, with an empty line behind each.

export interface ServerEvent {
  /** null: it has none. */
  readonly id: string | null;
  /** `message` where none is named. */
  readonly event: string;
  readonly data: string;
}

/** Longer lines are no events of ours; without a bound, a stranger's stream would fill the memory. */
const LONGEST_BLOCK = 4 * 1024 * 1024;

/** Comments, which keep the connection open, are passed over. Ends when the stream does. */
export async function* readEvents(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytes) {
    text = (text + decoder.decode(chunk, { stream: true })).replaceAll("\r\n", "\n");
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = toEvent(block);
      if (event !== null) yield event;
    }
    if (text.length > LONGEST_BLOCK) return;
  }
}

function toEvent(block: string): ServerEvent | null {
  const fields = new Map<string, string>();
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") data.push(value);
    else if (name !== "") fields.set(name, value);
  }
  if (data.length === 0 && !fields.has("event")) return null;
  return {
    id: fields.get("id") ?? null,
    event: fields.get("event") ?? "message",
    data: data.join("\n"),
  };
}
