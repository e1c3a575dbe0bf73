import { MillraceError } from "@millrace/protocol";
import { createClient, type Client, type ClientOptions } from "@millrace/sdk/client";
import type { MillraceOptions } from "./options.ts";

/** The way to the engine or the server. */
export interface Connection {
  readonly client: Client;
  /** null: the engine in this process. */
  readonly url: string | null;
  /** How long a call goes on while nobody answers. */
  readonly retryForMs: number;
  /** Asks once. @returns null: all is well; else what the far side said, or that nobody answered */
  probe(): Promise<MillraceError | null>;
  close(): Promise<void>;
}

const DEFAULT_RETRY_FOR_MS = 60_000;
/** Health checks are asked every few seconds. */
const PROBE_MS = 5_000;

/** @throws {MillraceError} option.invalid */
export function openConnection(options: MillraceOptions): Connection {
  const client = createClient(toClientOptions(options));
  const prober = "url" in options ? createClient(toProbeOptions(options)) : client;
  return {
    client,
    url: "url" in options ? options.url : null,
    retryForMs: ("url" in options ? options.retryForMs : undefined) ?? DEFAULT_RETRY_FOR_MS,
    probe: async () => {
      try {
        await prober.workflows.list({ limit: 1 }).page();
        return null;
      } catch (error) {
        if (!MillraceError.is(error)) throw error;
        // A key that may do other things than list is a good key.
        return error.code === "request.forbidden" ? null : error;
      }
    },
    close: async () => {
      await client.close();
      if (prober !== client) await prober.close();
    },
  };
}

/** Nobody is there who could do something. */
export const isGone = ({ entry }: MillraceError): boolean => entry.status >= 500;

type Http = Extract<MillraceOptions, { readonly url: string }>;

function toClientOptions(options: MillraceOptions): ClientOptions {
  const { namespace } = options;
  const tenant = namespace === undefined ? {} : { namespace };
  if ("engine" in options) return { engine: options.engine, ...tenant };
  const { url, key, fetch, retryForMs } = options;
  return {
    url,
    ...tenant,
    ...(key === undefined ? {} : { key }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(retryForMs === undefined ? {} : { retryForMs }),
  };
}

/** One try, and not a long one. */
function toProbeOptions(options: Http): ClientOptions {
  const send = options.fetch ?? fetch;
  return {
    ...toClientOptions(options),
    url: options.url,
    retryForMs: 0,
    fetch: (input, init) => {
      const late = AbortSignal.timeout(PROBE_MS);
      const given = init?.signal ?? undefined;
      const signal = given === undefined ? late : AbortSignal.any([given, late]);
      return send(input, { ...init, signal });
    },
  };
}
