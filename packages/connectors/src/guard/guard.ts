// The one way out: whatever connector, whatever vendor's library, its requests go through a guard.
import { lookup as lookupHost } from "node:dns/promises";
import { ActionError, MillraceError } from "@millrace/protocol";
import type { Agent } from "undici";
import { parseAllowList, type Target } from "./allow-list.ts";
import type { call } from "./call.ts";
import { lowerCaps, parseCaps, unknownName, type CallCaps, type GuardCaps } from "./caps.ts";
import { toOutgoing } from "./outgoing.ts";
import { pin, type Lookup, type PinnedAddress, type Pinning } from "./pin.ts";
import type { ConnectorOptions } from "./pinned-connector.ts";
import { createPolicy } from "./policy.ts";
import { Refusal, refused } from "./refusal.ts";

export interface GuardOptions {
  /** In development this machine itself may be called. Everything else is the same. */
  readonly mode: "development" | "production";
  /**
   * What may be called although it is not on the public internet: `billing.internal`, `*.example.com`, `10.0.0.7`,
   * `10.0.0.0/8`, each but ranges also with a port. A name opens this machine and private addresses; link-local and
   * metadata addresses must be named as such. Default: none.
   */
  readonly allow?: readonly string[];
  /** Whether nothing else may be called, be it public or, in development, this machine. Default false. */
  readonly allowOnly?: boolean;
  readonly caps?: Partial<GuardCaps>;
  /** Certificates (PEM) of the authorities to trust in place of those that Node brings. */
  readonly ca?: readonly string[];
  /** Default: the system's resolver. */
  readonly lookup?: Lookup;
}

/** Owns connections, which it keeps open for a while. */
export interface Guard extends AsyncDisposable {
  /** What this guard grants at most. */
  readonly caps: GuardCaps;
  /**
   * Like the global one, for the SDKs of vendors. Reads the body that it sends into memory.
   *
   * @throws {ActionError} outbound.refused, http.unreachable, http.timeout, http.response-invalid,
   * http.response-too-large; reading the body of the answer throws the last four, too
   */
  readonly fetch: typeof fetch;
  /** The same, with less time or fewer bytes. More than the guard's own are not granted. */
  withCaps(caps: CallCaps): typeof fetch;
  /**
   * An address to connect to in place of the host, for what is not HTTP. Check certificates against the host.
   *
   * @throws {ActionError} outbound.refused, outbound.unreachable
   */
  resolve(host: string, port: number): Promise<PinnedAddress>;
  /** Waits for calls under way, then closes all connections. */
  close(): Promise<void>;
}

const OPTION_NAMES: readonly string[] = ["mode", "allow", "allowOnly", "caps", "ca", "lookup"];

/**
 * @throws {MillraceError} option.invalid
 *
 * @example
 * await using guard = createGuard({ mode: "production", allow: ["billing.internal:8443"] });
 * const answer = await guard.fetch("https://api.example.com/orders");
 */
export function createGuard(options: GuardOptions): Guard {
  checkOptions(options);
  const caps = parseCaps(options.caps ?? {});
  const pinning: Pinning = {
    policy: createPolicy({
      mode: options.mode,
      allow: parseAllowList(options.allow ?? []),
      allowOnly: options.allowOnly ?? false,
    }),
    lookup: options.lookup ?? lookupBySystem,
  };
  const { connectTimeoutMs } = caps;
  const connecting = { ...pinning, connectTimeoutMs, ca: options.ca ?? null };
  let opened: Promise<Opened> | null = null;
  let isClosed = false;
  const withCaps =
    (granted: GuardCaps): typeof fetch =>
    async (input, init) => {
      const outgoing = await toOutgoing(input, init);
      const ofRequest = input instanceof Request ? input : undefined;
      const redirect = init?.redirect ?? ofRequest?.redirect ?? "follow";
      const signal = init?.signal ?? ofRequest?.signal ?? null;
      if (isClosed) throw new ActionError("http.unreachable", "The guard is closed", CLOSED);
      const { agent, call } = await (opened ??= open(connecting));
      return call(outgoing, { agent, caps: granted, redirect, signal });
    };
  const close = async (): Promise<void> => {
    isClosed = true;
    const agent = (await opened)?.agent;
    if (agent !== undefined && !agent.closed) await agent.close();
  };
  return {
    caps,
    fetch: withCaps(caps),
    withCaps: (lower) => withCaps(lowerCaps(caps, lower)),
    resolve: (host, port) => resolveOne({ host, port }, pinning),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const CLOSED = { source: "infrastructure" } as const;

interface Opened {
  readonly agent: Agent;
  readonly call: typeof call;
}

/** With the first call: undici takes 0.1 s to load, and many a server never calls anybody. */
async function open(options: ConnectorOptions): Promise<Opened> {
  const [{ createAgent }, calls] = await Promise.all([
    import("./create-agent.ts"),
    import("./call.ts"),
  ]);
  return { agent: createAgent(options), call: calls.call };
}

/** A slip in an option's name would open or close nothing, in silence. */
function checkOptions(options: GuardOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.includes(name));
  if (unknown !== undefined) throw unknownName("option", unknown, OPTION_NAMES);
  if (options.mode === "development" || options.mode === "production") return;
  throw new MillraceError(
    "option.invalid",
    `The option mode must be "development" or "production"`,
  );
}

/** Of this machine, whatever a resolver makes of it: RFC 6761, 6.3. */
const LOCALHOST = /(?:^|\.)localhost\.?$/i;

const lookupBySystem: Lookup = async (host) => {
  const found = await lookupHost(LOCALHOST.test(host) ? "localhost" : host, { all: true });
  return found.map(({ address }) => address);
};

async function resolveOne(target: Target, pinning: Pinning): Promise<PinnedAddress> {
  const name = `${target.host}:${target.port}`;
  try {
    const [first] = await pin(target, pinning);
    return first;
  } catch (error) {
    if (error instanceof Refusal) throw refused(name, error.message);
    throw new ActionError("outbound.unreachable", `Could not find an address of ${target.host}`, {
      source: "infrastructure",
      cause: error,
    });
  }
}
