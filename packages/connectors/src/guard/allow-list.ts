import { MillraceError } from "@millrace/protocol";
import { parseAddress, parseRange, type PlainAddress } from "./address.ts";

/** A host name or literal address, as a URL spells it, and a port. */
export interface Target {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * What an entry opens. By `address` (an address or a range was named): anything. By `host`: what a name may well stand
 * for, but never a metadata or link-local address; who answers for a name must not decide that.
 */
export type Opening = "address" | "host";

interface Entry {
  readonly opens: Opening;
  /** null: every port. */
  readonly port: number | null;
  matches(host: string, address: PlainAddress): boolean;
}

export interface AllowList {
  /** null: no entry names the target. */
  find(target: Target, address: PlainAddress): Opening | null;
}

const FORMS = "`api.example.com`, `*.example.com`, `10.0.0.7`, `10.0.0.0/8`, or a host with a port";
/** The host, in brackets if it is an address with colons, and a port. */
const ENTRY = /^(\[[\da-f.]*:[\da-f.:]*\]|[^:[\]]+)(?::(\d{1,5}))?$/i;

/** @throws {MillraceError} option.invalid, for the first entry that says nothing */
export function parseAllowList(entries: readonly string[]): AllowList {
  const parsed = entries.map(parseEntry);
  return {
    find: ({ host, port }, address) => {
      const name = toPlainHost(host);
      const matches = parsed.filter(
        (it) => (it.port === null || it.port === port) && it.matches(name, address),
      );
      if (matches.length === 0) return null;
      return matches.some(({ opens }) => opens === "address") ? "address" : "host";
    },
  };
}

function parseEntry(text: string): Entry {
  const entry = parseAddressEntry(text) ?? parseHostEntry(text);
  if (entry !== undefined) return entry;
  throw new MillraceError(
    "option.invalid",
    `The allow-list has ${JSON.stringify(text)}, which is none of ${FORMS}`,
  );
}

function parseAddressEntry(text: string): Entry | undefined {
  const range = parseRange(text);
  if (range !== undefined) {
    return { opens: "address", port: null, matches: (_, address) => range.has(address) };
  }
  const { host = "", port = null } =
    parseAddress(text) === undefined ? split(text) : { host: text };
  const wanted = parseAddress(host)?.toString();
  if (wanted === undefined) return undefined;
  return { opens: "address", port, matches: (_, address) => address.toString() === wanted };
}

function parseHostEntry(text: string): Entry | undefined {
  const { host = "", port = null } = split(text);
  const isWildcard = host.startsWith("*.");
  const name = toUrlHost(isWildcard ? host.slice(2) : host);
  // `0x7f.1` would be an address after all: say so rather than guess.
  if (name === undefined || parseAddress(name) !== undefined) return undefined;
  return {
    opens: "host",
    port,
    matches: (it) => (isWildcard ? it.endsWith(`.${name}`) : it === name),
  };
}

function split(text: string): { readonly host?: string; readonly port?: number | null } {
  const [, host, port] = ENTRY.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) return {};
  const plain = host.startsWith("[") ? host.slice(1, -1) : host;
  return { host: plain, port: port === undefined ? null : Number(port) };
}

/** As a URL would spell it: lower case, Punycode. undefined: it cannot be in a URL. */
function toUrlHost(host: string): string | undefined {
  if (!/^[^\s/\\?#@:*%]+$/.test(host)) return undefined;
  const url = URL.parse(`http://${host}`);
  return url === null ? undefined : toPlainHost(url.hostname);
}

/** A name with its root's dot is the same name. */
const toPlainHost = (host: string): string => host.toLowerCase().replace(/\.$/, "");
