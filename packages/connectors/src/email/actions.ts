import type { Action, ActionContext, Actions, JsonValue } from "@millrace/protocol";
import type { JsonObject } from "../action-input.ts";
import type { Outbound } from "../outbound.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { digest } from "../stable-key.ts";
import { badMail } from "./bad-mail.ts";
import type { Mail, Mailbox } from "./mail.ts";
import { readMail, readSender, unknownEmailAction, type Sender } from "./read-mail.ts";
import { parseSmtpUrl, sendBySmtp } from "./smtp.ts";

export interface EmailSettings {
  /** `smtp://…` or `smtps://…`. Default: nothing is sent. */
  readonly url?: string;
  /** Who sends, if a step does not say. */
  readonly from?: string;
}

export type EmailRoute =
  | { readonly to: "server"; readonly url: string; readonly outbound: Outbound }
  | { readonly to: "sandbox"; readonly sandbox: Sandbox };

export interface EmailOptions {
  /** @throws {ActionError} connection.required */
  readonly find: (context: ActionContext) => EmailRoute;
  /** null: a step must say. */
  readonly from: string | null;
}

/** In the sandbox somebody has to be the sender. */
const SANDBOX_SENDER: Sender = { name: "Millrace", address: "millrace@localhost" };

/** `email.send`, which gives `{ messageId, accepted }`; and what is not there yet, which says so. */
export function createEmailActions(options: EmailOptions): Actions {
  return {
    "email.send": async (input, context) => send(readMail(input), options, context),
    "email.sendTemplate": missing("sendTemplate"),
    "email.schedule": missing("schedule"),
  };
}

const missing =
  (name: string): Action =>
  () =>
    Promise.reject(unknownEmailAction(name));

async function send(
  mail: Mail,
  { find, from }: EmailOptions,
  context: ActionContext,
): Promise<unknown> {
  const route = find(context);
  const sender = mail.from ?? readSender(from);
  const messageId = `<${digest(context.idempotencyKey).slice(0, 32)}@millrace>`;
  if (route.to === "sandbox") {
    const kept = { ...mail, from: sender ?? SANDBOX_SENDER };
    return capture(route.sandbox, kept, messageId, context);
  }
  if (sender === null) {
    throw badMail(
      "email.sender-missing",
      "The mail has no sender: give `from` in the step, or set MILLRACE_MAIL_FROM.",
    );
  }
  const server = parseSmtpUrl(route.url);
  return sendBySmtp(server, { mail, from: sender, messageId }, route.outbound, context);
}

async function capture(
  sandbox: Sandbox,
  mail: Mail & { readonly from: Mailbox },
  messageId: string,
  context: ActionContext,
): Promise<JsonValue> {
  await sandbox.capture({ connector: "email", message: toCaptured(mail, messageId) }, context);
  const accepted = [...mail.to, ...mail.cc, ...mail.bcc].map(({ address }) => address);
  return { messageId, accepted };
}

/** As people read a mail. */
function toCaptured(mail: Mail & { readonly from: Mailbox }, messageId: string): JsonObject {
  return {
    messageId,
    from: print(mail.from),
    to: mail.to.map(print),
    cc: mail.cc.map(print),
    bcc: mail.bcc.map(print),
    replyTo: mail.replyTo.map(print),
    subject: mail.subject,
    html: mail.html,
    text: mail.text,
    headers: mail.headers,
    attachments: mail.attachments.map((it) => ({ ...it })),
  };
}

const print = ({ name, address }: Mailbox): string =>
  name === "" ? address : `${name} <${address}>`;
