import { Refusal } from "./refusal.ts";

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110, 5.5: visible characters, blanks, tabs, and the upper half of Latin-1. */
const VALUE = /^[\t\x20-\x7E\x80-\xFF]*$/;

/** Set by what sends, from what is sent; a second word on them is how requests are smuggled. */
const UNSETTABLE: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Names may be wrong, so a wrong one is quoted; a value may be a secret, and never is. */
const QUOTED_NAME_LENGTH = 60;

/** @throws {Refusal} */
export function checkHeader(name: string, value: string): void {
  if (!TOKEN.test(name)) {
    const quoted = JSON.stringify(name.slice(0, QUOTED_NAME_LENGTH));
    throw new Refusal(`${quoted} cannot be the name of a header`);
  }
  if (UNSETTABLE.has(name.toLowerCase())) {
    throw new Refusal(`the header ${name} cannot be set by hand`);
  }
  if (!VALUE.test(value)) {
    throw new Refusal(`the value of the header ${name} has characters that a header cannot carry`);
  }
}
