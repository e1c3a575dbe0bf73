import type { Action, ActionContext, Actions, JsonValue } from "@millrace/protocol";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { toUuid } from "../stable-key.ts";
import { openSlack, type SlackConnection } from "./client.ts";
import { toActionError } from "./errors.ts";
import { readPost, type Post } from "./read-post.ts";

export type SlackRoute =
  | { readonly to: "slack"; readonly connection: SlackConnection }
  | { readonly to: "sandbox"; readonly sandbox: Sandbox };

/** @throws {ActionError} connection.required */
export type FindSlack = (context: ActionContext) => SlackRoute;

/** `slack.postMessage`; gives `{ channel, ts }`, by which a later step can answer in the thread. */
export function createSlackActions(find: FindSlack): Actions {
  const postMessage: Action = async (input, context) => {
    const post = readPost(input);
    const route = find(context);
    return route.to === "sandbox"
      ? capture(route.sandbox, post, context)
      : send(route.connection, post, context);
  };
  return { "slack.postMessage": postMessage };
}

async function send(
  connection: SlackConnection,
  post: Post,
  { signal, idempotencyKey }: ActionContext,
): Promise<JsonValue> {
  try {
    const slack = await openSlack(connection, signal);
    // Slack documents no key for this call. Its own clients send this field, and it costs nothing to send it, too.
    const options = { ...post, client_msg_id: toUuid(idempotencyKey) };
    const result = await slack.apiCall("chat.postMessage", options);
    const { channel, ts } = result as { readonly channel?: unknown; readonly ts?: unknown };
    return {
      channel: typeof channel === "string" ? channel : post.channel,
      ts: typeof ts === "string" ? ts : null,
    };
  } catch (error) {
    throw toActionError(error, [connection.token]);
  }
}

async function capture(sandbox: Sandbox, post: Post, context: ActionContext): Promise<JsonValue> {
  const captured = await sandbox.capture({ connector: "slack", message: post }, context);
  return { channel: post.channel, ts: toTimeStamp(captured["at"], context) };
}

/** Seconds and six digits, as Slack has it; the same for every attempt. */
function toTimeStamp(at: JsonValue | undefined, { idempotencyKey }: ActionContext): string {
  const digits = Number.parseInt(toUuid(idempotencyKey).slice(0, 8), 16) % 1_000_000;
  return `${Math.floor(Date.parse(typeof at === "string" ? at : "") / 1000)}.${String(digits).padStart(6, "0")}`;
}
