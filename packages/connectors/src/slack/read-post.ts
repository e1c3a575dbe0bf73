import {
  isObject,
  badInput,
  readFields,
  toCamelCase,
  toSnakeCase,
  unknownField,
} from "../action-input.ts";
import type { JsonObject } from "../action-input.ts";
import type { JsonValue } from "@millrace/protocol";

const ACTION = "slack.postMessage";

/** Of `chat.postMessage`, by Slack's names; `threadTs` and the like are taken, too. */
const FIELDS = [
  "attachments",
  "blocks",
  "channel",
  "icon_emoji",
  "icon_url",
  "link_names",
  "markdown_text",
  "metadata",
  "mrkdwn",
  "parse",
  "reply_broadcast",
  "text",
  "thread_ts",
  "unfurl_links",
  "unfurl_media",
  "username",
] as const;

const CONTENTS = ["text", "blocks", "attachments", "markdown_text"] as const;

export type Post = JsonObject & { readonly channel: string };

/** @throws {ActionError} action.input-invalid */
export function readPost(input: JsonValue): Post {
  const found = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(readFields(ACTION, input))) {
    if (value === null) continue;
    const field = toSnakeCase(name);
    if (!FIELDS.some((it) => it === field)) {
      throw unknownField(ACTION, name, FIELDS.map(toCamelCase));
    }
    if (found.has(field)) throw badInput(ACTION, `\`${field}\` is given twice.`);
    found.set(field, toFieldValue(field, value));
  }
  const channel = found.get("channel");
  if (typeof channel !== "string" || channel.trim() === "") {
    throw badInput(ACTION, "`channel` is empty: nobody would see the message.");
  }
  if (!CONTENTS.some((name) => isContent(found.get(name)))) {
    throw badInput(ACTION, "there is nothing to say: give `text`, `blocks`, or both.");
  }
  return { ...Object.fromEntries(found), channel };
}

/** A number that a template has kept as one reads like its text; a time stamp as a number has lost digits. */
function toFieldValue(field: string, value: JsonValue): JsonValue {
  if (field === "text" && (typeof value === "number" || typeof value === "boolean")) {
    return String(value);
  }
  const isList = field === "blocks" || field === "attachments";
  if (isList && !Array.isArray(value)) throw badInput(ACTION, `\`${field}\` must be a list.`);
  if (field === "metadata" && !isObject(value))
    throw badInput(ACTION, "`metadata` must be an object.");
  if (field === "thread_ts" && typeof value !== "string") {
    throw badInput(ACTION, "`threadTs` must be text, since a number loses its last digits.");
  }
  return value;
}

const isContent = (value: JsonValue | undefined): boolean =>
  typeof value === "string" ? value !== "" : Array.isArray(value) && value.length > 0;
