// Opens connections to checked addresses only, and is the only place that opens any.
//
//   P1. A name is resolved once a connection, every address found is judged, and the connection goes to one of those:
//       nothing is asked twice, so nothing can change in between (DNS rebinding).
//   P2. One address that is refused refuses the name.
//   P3. An address in the URL is judged as one that was found. Node does not look those up.
//   P4. Certificates are checked against the name, not the address.
import type { LookupFunction } from "node:net";
import { buildConnector } from "undici";
import { parseAddress } from "./address.ts";
import type { Target } from "./allow-list.ts";
import type { Policy } from "./policy.ts";
import { Refusal } from "./refusal.ts";

/** All addresses of a name, in the order in which to try them. Rejects or gives none if there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export interface PinnedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

type PinnedAddresses = readonly [PinnedAddress, ...PinnedAddress[]];

export interface Pinning {
  readonly policy: Policy;
  readonly lookup: Lookup;
}

/** @throws {Refusal} if the policy refuses one of them */
export async function pin(target: Target, by: Pinning): Promise<PinnedAddresses> {
  const isLiteral = parseAddress(target.host) !== undefined;
  const found = isLiteral ? [target.host] : await by.lookup(target.host);
  const [first, ...others] = found;
  if (first === undefined) throw new NoAddressError(target.host);
  return [pinOne(target, first, by.policy), ...others.map((it) => pinOne(target, it, by.policy))];
}

function pinOne(target: Target, text: string, policy: Policy): PinnedAddress {
  const why = policy.refuse(target, text);
  const address = parseAddress(text);
  if (why !== null || address === undefined) throw new Refusal(why ?? "its address is not one");
  // What was judged, not what was found: no second reader may understand the text differently.
  return { address: address.toString(), family: address.kind() === "ipv4" ? 4 : 6 };
}

class NoAddressError extends Error {
  readonly code = "ENOTFOUND";

  constructor(host: string) {
    super(`${host} has no address`);
    this.name = "NoAddressError";
  }
}

export interface ConnectorOptions extends Pinning {
  readonly connectTimeoutMs: number;
  /** Certificates to trust in place of Node's own; null: Node's own. */
  readonly ca: readonly string[] | null;
}

export function createPinnedConnector(options: ConnectorOptions): buildConnector.connector {
  // A look-up is told the name but not the port, on which the allow-list may depend.
  const connectors = new Map<number, buildConnector.connector>();
  const connectorFor = (port: number): buildConnector.connector => {
    const existing = connectors.get(port);
    if (existing !== undefined) return existing;
    const connector = buildConnector({
      lookup: pinnedLookup(port, options),
      timeout: options.connectTimeoutMs,
      // One protocol, one set of limits.
      allowH2: false,
      ...(options.ca !== null && { ca: [...options.ca] }),
    });
    connectors.set(port, connector);
    return connector;
  };
  return (request, callback) => {
    const port = Number(request.port) || (request.protocol === "https:" ? 443 : 80);
    if (parseAddress(request.hostname) !== undefined) {
      const why = options.policy.refuse({ host: request.hostname, port }, request.hostname);
      if (why !== null) {
        callback(new Refusal(why), null);
        return;
      }
    }
    connectorFor(port)(request, callback);
  };
}

function pinnedLookup(port: number, by: Pinning): LookupFunction {
  return (host, options, callback) => {
    const answer = async (): Promise<() => void> => {
      try {
        const [first, ...others] = await pin({ host, port }, by);
        if (options.all !== true) return () => callback(null, first.address, first.family);
        return () => callback(null, [first, ...others]);
      } catch (error) {
        const problem = error instanceof Error ? error : new Error("the look-up failed");
        return () => callback(problem, "");
      }
    };
    // In a turn of its own: what Node throws in a callback is no failure of the look-up.
    void answer().then(setImmediate);
  };
}
