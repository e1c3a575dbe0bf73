// Mail addresses: the plain syntax that people use, and nothing of what RFC 5322 allows beside it. Comments, quoted
// local parts and groups are where parsers disagree about who gets the mail.
import { typeName, type JsonValue } from "@millrace/protocol";
import { badMail } from "./bad-mail.ts";
import { hasControls } from "./line-safety.ts";
import type { Mailbox } from "./mail.ts";

const MAX_RECIPIENTS = 1_000;
const MAX_NAME = 256;
/** RFC 5321, section 4.5.3.1. */
const MAX_ADDRESS = 254;
const MAX_LOCAL = 64;
const LOCAL = /^[\p{L}\p{N}!#$%&'*+\-/=?^_`{|}~]+(?:\.[\p{L}\p{N}!#$%&'*+\-/=?^_`{|}~]+)*$/u;
const LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u;

/**
 * `ada@example.com`, `Ada <ada@example.com>`, several with commas between them, or a list of such.
 *
 * @returns empty if nothing was given
 * @throws {ActionError} email.address-invalid
 */
export function readAddresses(field: string, value: JsonValue | undefined): readonly Mailbox[] {
  if (value === undefined || value === null || value === "") return [];
  const found = Array.isArray(value)
    ? value.flatMap((item: JsonValue, at) => readSome(`${field}[${at}]`, item))
    : readSome(field, value);
  if (found.length <= MAX_RECIPIENTS) return found;
  throw badMail("email.address-invalid", `\`${field}\` has more than ${MAX_RECIPIENTS} addresses.`);
}

function readSome(field: string, value: JsonValue): readonly Mailbox[] {
  if (typeof value !== "string") {
    throw badMail(
      "email.address-invalid",
      `\`${field}\` must be an address as text, received ${typeName(value)}.`,
    );
  }
  if (value.trim() === "") {
    throw badMail("email.recipient-missing", `\`${field}\` is empty: there is an address missing.`);
  }
  if (hasControls(value)) {
    throw badMail("email.header-invalid", `\`${field}\` has a line break or control character.`);
  }
  return splitList(value).map((part) => readMailbox(field, part.trim()));
}

/** At commas outside of quotes and angle brackets. */
function splitList(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  let isInside = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (isQuoted && letter === "\\") at++;
    else if (letter === '"') isQuoted = !isQuoted;
    else if (!isQuoted && letter === "<") isInside = true;
    else if (!isQuoted && letter === ">") isInside = false;
    else if (!isQuoted && !isInside && letter === ",") {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function readMailbox(field: string, text: string): Mailbox {
  const [, named, inside] = /^(.*?)<([^<>]*)>$/.exec(text) ?? [];
  const address = (inside ?? text).trim();
  const name = inside === undefined ? "" : unquote((named ?? "").trim());
  if (isAddress(address) && name.length <= MAX_NAME && !/[<>"]/.test(name))
    return { name, address };
  throw badMail(
    "email.address-invalid",
    `\`${field}\` is no mail address: ${JSON.stringify(text.slice(0, 100))}.`,
  );
}

const unquote = (name: string): string =>
  /^".*"$/.test(name) ? name.slice(1, -1).replaceAll(/\\(.)/g, "$1") : name;

function isAddress(text: string): boolean {
  const at = text.lastIndexOf("@");
  const local = text.slice(0, at);
  const labels = text.slice(at + 1).split(".");
  return (
    at > 0 &&
    text.length <= MAX_ADDRESS &&
    local.length <= MAX_LOCAL &&
    LOCAL.test(local) &&
    labels.every((label) => LABEL.test(label))
  );
}
