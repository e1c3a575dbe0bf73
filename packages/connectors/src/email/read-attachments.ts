import { typeName, type JsonValue } from "@millrace/protocol";
import { isObject } from "../action-input.ts";
import { badMail } from "./bad-mail.ts";
import { hasControls } from "./line-safety.ts";
import type { MailAttachment } from "./mail.ts";

const FIELDS: ReadonlySet<string> = new Set(["filename", "content", "contentType", "encoding"]);
const ENCODINGS = ["utf-8", "base64"] as const;
const MAX_ATTACHMENTS = 50;
const MAX_NAME = 255;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Contents are in the workflow's data, as text or base 64: a path or an address would make the mail carry whatever
 * this machine can read.
 *
 * @throws {ActionError} email.attachment-invalid
 */
export function readAttachments(value: JsonValue | undefined): readonly MailAttachment[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw bad("attachments", `must be a list, received ${typeName(value)}`);
  if (value.length > MAX_ATTACHMENTS) throw bad("attachments", `has more than ${MAX_ATTACHMENTS}`);
  return value.map((item: JsonValue, at) => readOne(`attachments[${at}]`, item));
}

function readOne(field: string, value: JsonValue): MailAttachment {
  if (!isObject(value)) throw bad(field, `must be an object, received ${typeName(value)}`);
  const unknown = Object.keys(value).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40));
    throw bad(field, `has ${shown}; there are filename, content, contentType, encoding`);
  }
  const { filename, content, contentType = null, encoding = "utf-8" } = value;
  if (typeof filename !== "string" || !isFileName(filename)) {
    throw bad(`${field}.filename`, "must be a file's name, without folders or line breaks");
  }
  if (typeof content !== "string") {
    throw bad(`${field}.content`, "must be text or base 64; files and addresses are not read");
  }
  if (contentType !== null && !isMediaType(contentType)) {
    throw bad(`${field}.contentType`, "must be a media type such as text/csv");
  }
  const chosen = ENCODINGS.find((it) => it === encoding);
  if (chosen === undefined) throw bad(`${field}.encoding`, "must be utf-8 or base64");
  const plain = chosen === "base64" ? content.replaceAll(/\s+/g, "") : content;
  if (chosen === "base64" && !BASE64.test(plain)) throw bad(`${field}.content`, "is not base 64");
  return { filename, content: plain, encoding: chosen, contentType };
}

const isFileName = (text: string): boolean =>
  text.trim() !== "" && text.length <= MAX_NAME && !hasControls(text) && !/[\\/"]/.test(text);

const isMediaType = (value: JsonValue): value is string =>
  typeof value === "string" &&
  /^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?charset=[\w-]{1,40})?$/.test(value);

const bad = (field: string, problem: string): Error =>
  badMail("email.attachment-invalid", `\`${field}\` ${problem}.`);
