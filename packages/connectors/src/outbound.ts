// The way out of the process that connectors are given, so that none of them opens its own. The guard is one.

export type OutboundFetch = typeof fetch;

export interface Outbound {
  /** As the global one, but it refuses addresses that may not be reached. */
  readonly fetch: OutboundFetch;
  /** A checked address of the host, to connect to in place of its name. */
  resolve(host: string, port: number): Promise<{ readonly address: string }>;
}
