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
import { pin, type Pinning } from "./pin.ts";
import { Refusal } from "./refusal.ts";

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
