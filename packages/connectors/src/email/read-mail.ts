// From a step's config to a mail. Whatever comes from a run's input is text: it can neither add a header nor name a
// file or an address that would be read.
import { typeName, type JsonValue } from "@millrace/protocol";
import { isObject, readFields, unknownField, type JsonObject } from "../action-input.ts";
import { badMail } from "./bad-mail.ts";
import { hasControls } from "./line-safety.ts";
import type { Mail } from "./mail.ts";
import { readAddresses } from "./read-addresses.ts";
import { readAttachments } from "./read-attachments.ts";

const ACTION = "email.send";
const FIELDS = [
  "action",
  "attachments",
  "bcc",
  "body",
  "cc",
  "from",
  "headers",
  "html",
  "provider",
  "replyTo",
  "reply_to",
  "send_at",
  "subject",
  "template",
  "text",
  "to",
];

/** @throws {ActionError} with a code of `BadMailCode` */
export function readMail(input: JsonValue): Mail {
  const fields = readFields(ACTION, input);
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw unknownField(ACTION, unknown, FIELDS);
  refuseLater(fields);
  const to = readAddresses("to", fields["to"]);
  if (to.length === 0) {
    throw badMail(
      "email.recipient-missing",
      "`to` is empty: the mail has no recipient. A template that finds nothing gives nothing, " +
        "so look whether the run's input has the address.",
    );
  }
  const { html, text } = readBody(fields);
  return {
    from: readSender(fields["from"]),
    to,
    cc: readAddresses("cc", fields["cc"]),
    bcc: readAddresses("bcc", fields["bcc"]),
    replyTo: readAddresses("replyTo", fields["replyTo"] ?? fields["reply_to"]),
    subject: readSubject(fields["subject"]),
    html,
    text,
    headers: readHeaders(fields["headers"]),
    attachments: readAttachments(fields["attachments"]),
  };
}

export type Sender = NonNullable<Mail["from"]>;

/** @throws {ActionError} email.address-invalid: none, or more than one */
export function readSender(value: JsonValue | undefined): Sender | null {
  const [sender, ...others] = readAddresses("from", value);
  if (others.length === 0) return sender ?? null;
  throw badMail("email.address-invalid", "`from` must be one address.");
}

/** What the seed's format has and this version has not: better refused than left out of the mail. */
function refuseLater(fields: JsonObject): void {
  const { action, provider } = fields;
  if (action !== undefined && action !== null && action !== "send") {
    throw unknownEmailAction(typeof action === "string" ? action : typeName(action));
  }
  for (const name of ["template", "send_at"]) {
    if (fields[name] === undefined || fields[name] === null) continue;
    throw badMail("email.action-unknown", `\`${name}\` is not in this version of Millrace yet.`);
  }
  if (provider === undefined || provider === null || provider === "smtp") return;
  throw badMail(
    "email.action-unknown",
    "`provider` can only be `smtp`, which is what is there if it is left out.",
  );
}

export const unknownEmailAction = (action: string): Error =>
  badMail(
    "email.action-unknown",
    `There is no email action ${JSON.stringify(action.slice(0, 60))} in this version of Millrace; there is "send".`,
  );

function readBody(fields: JsonObject): Pick<Mail, "html" | "text"> {
  const body = fields["body"] ?? null;
  if (body !== null && !isObject(body)) {
    throw badMail(
      "action.input-invalid",
      `\`body\` must be an object with \`html\`, \`text\` or both, received ${typeName(body)}.`,
    );
  }
  const unknown = Object.keys(body ?? {}).find((name) => name !== "html" && name !== "text");
  if (unknown !== undefined) throw unknownField(`${ACTION}, body`, unknown, ["html", "text"]);
  const html = readOneText("html", body?.["html"], fields["html"]);
  const text = readOneText("text", body?.["text"], fields["text"]);
  if (html !== null || text !== null) return { html, text };
  throw badMail("action.input-invalid", "The mail has no body: give `body.html` or `body.text`.");
}

function readOneText(
  name: string,
  inBody: JsonValue | undefined,
  beside: JsonValue | undefined,
): string | null {
  const given = inBody ?? null;
  const other = beside ?? null;
  if (given !== null && other !== null) {
    throw badMail("action.input-invalid", `\`${name}\` is given twice.`);
  }
  return readText(name, given ?? other);
}

/** A value that a template has kept as a number reads like its text. */
function readText(name: string, value: JsonValue): string | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw badMail(
    "action.input-invalid",
    `\`${name}\` must be text, received ${typeName(value)}. Files and addresses are not read.`,
  );
}

function readSubject(value: JsonValue | undefined): string {
  const subject = readText("subject", value ?? null);
  if (subject === null) throw badMail("action.input-invalid", "`subject` is missing.");
  if (hasControls(subject)) {
    throw badMail("email.header-invalid", "`subject` has a line break or control character.");
  }
  return subject;
}

/** Those that the mail has anyway, or that the servers on its way write. */
const RESERVED =
  /^(?:from|sender|to|cc|bcc|reply-to|subject|date|message-id|mime-version|content-.*|received|return-path|resent-.*|dkim-.*|arc-.*|authentication-results)$/i;
const MAX_HEADERS = 50;
const MAX_HEADER = 2_000;

function readHeaders(value: JsonValue | undefined): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw badHeader("`headers` must be an object of names and texts.");
  const entries = Object.entries(value);
  if (entries.length > MAX_HEADERS) throw badHeader(`There are more than ${MAX_HEADERS} headers.`);
  return Object.fromEntries(entries.map(([name, text]) => [name, readHeader(name, text)]));
}

function readHeader(name: string, value: JsonValue): string {
  const shown = JSON.stringify(name.slice(0, 80));
  if (!/^[A-Za-z0-9-]{1,76}$/.test(name)) throw badHeader(`${shown} is no name of a header.`);
  if (RESERVED.test(name)) throw badHeader(`The header ${shown} is not an author's to set.`);
  const text = readText(`headers.${name}`, value) ?? "";
  if (hasControls(text) || text.length > MAX_HEADER) {
    throw badHeader(`The header ${shown} is too long, or has a line break or control character.`);
  }
  return text;
}

const badHeader = (message: string): Error => badMail("email.header-invalid", message);
