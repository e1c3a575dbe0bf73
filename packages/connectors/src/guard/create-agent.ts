import { Agent } from "undici";
import { MAX_HEADER_BYTES } from "./caps.ts";
import { createPinnedConnector, type ConnectorOptions } from "./pinned-connector.ts";

/** Owns connections, all of which go through the pinned connector. */
export function createAgent(options: ConnectorOptions): Agent {
  return new Agent({
    connect: createPinnedConnector(options),
    // Ours are exact and can be lowered by a call.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    allowH2: false,
    // Else an environment variable chooses the parser.
    useMilo: false,
  });
}
