// Hints as they travel: as few texts as they fit in, and nothing of what comes is believed. Anybody may write to the
// channel, a node of a newer version among them.
import type { NodeId } from "@millrace/protocol";
import type { Hint } from "../storage.ts";
import { MOST_BYTES, type Word } from "./heartbeat.ts";

/** @param hints as JSON. One that is too long by itself is lost: its receiver finds out by looking */
export function writeWords(to: NodeId | null, hints: ReadonlySet<string>): readonly Word[] {
  const words: Word[] = [];
  const head = `{"to":${JSON.stringify(to)},"hints":[`;
  let text = "";
  const end = (): void => {
    if (text !== "") words.push({ to, text: `${head}${text}]}` });
    text = "";
  };
  for (const hint of hints) {
    const size = Buffer.byteLength(hint) + head.length + 3;
    if (size > MOST_BYTES) continue;
    if (Buffer.byteLength(text) + size > MOST_BYTES) end();
    text = text === "" ? hint : `${text},${hint}`;
  }
  end();
  return words;
}

export interface Heard {
  /** null: all nodes. */
  readonly to: string | null;
  readonly hints: readonly Hint[];
}

const NOTHING: Heard = { to: null, hints: [] };

export function readWords(text: string): Heard {
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch {
    return NOTHING;
  }
  if (!isObject(words) || !Array.isArray(words["hints"])) return NOTHING;
  const { to, hints } = words;
  if (to !== null && typeof to !== "string") return NOTHING;
  return { to, hints: (hints as readonly unknown[]).filter(isHint) };
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

const isRef = (run: unknown): run is Fields =>
  isObject(run) &&
  typeof run["tenant"] === "string" &&
  typeof run["runId"] === "string" &&
  typeof run["shard"] === "number";

const isDue = (run: unknown): run is Fields => isRef(run) && typeof run["fence"] === "number";

const CHECKS: Readonly<Record<Hint["kind"], (hint: Fields) => boolean>> = {
  due: () => true,
  inbox: ({ run }) => isRef(run),
  watch: ({ run, node }) => isRef(run) && typeof node === "string",
  moved: ({ run }) => isRef(run),
  awaiting: ({ run, node, workflow, version }) =>
    isDue(run) &&
    typeof node === "string" &&
    typeof workflow === "string" &&
    typeof version === "number",
  "awaiting-function": ({ run, node, function: name }) =>
    isDue(run) && typeof node === "string" && typeof name === "string",
};

function isHint(value: unknown): value is Hint {
  if (!isObject(value)) return false;
  const { kind } = value;
  return Object.entries(CHECKS).some(([known, check]) => known === kind && check(value));
}
