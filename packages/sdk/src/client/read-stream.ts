import type { JsonValue, StreamItem, WatchedEvent } from "@millrace/protocol";

/** The items of one stream among what happens to a run. */
export async function* readStream(
  events: AsyncIterable<WatchedEvent>,
  name: string,
  from: number,
): AsyncGenerator<StreamItem, void> {
  let offset = 0;
  for await (const { type, data } of events) {
    const value = type === "step.completed" ? readItem(data, name) : undefined;
    if (value === undefined) continue;
    if (offset >= from) yield { offset, value };
    offset += 1;
  }
}

/** An item is journaled as a note of its own: `$stream/<name>`, `$stream/<name>#2`, … undefined: it is none of these. */
function readItem(data: JsonValue, name: string): JsonValue | undefined {
  if (typeof data !== "object" || data === null || !("stepId" in data)) return undefined;
  const { stepId, output } = data;
  const first = `$stream/${name}`;
  if (typeof stepId !== "string" || !stepId.startsWith(first)) return undefined;
  return /^(#\d+)?$/.test(stepId.slice(first.length)) ? output : undefined;
}
