// Speaks REST v1 for the commands.
import type { Meta } from "../doors/rest/envelope.ts";
import { isLoopbackHost } from "../loopback.ts";
import { readDevKey } from "./dev-key.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings.ts";

export interface Reply<T> {
  readonly data: T;
  readonly meta: Meta | undefined;
  readonly headers: Headers;
}

export interface Client {
  readonly server: string;
  get<T>(path: string): Promise<Reply<T>>;
  post<T>(path: string, body: object): Promise<Reply<T>>;
}

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly reason: string;
  readonly details?: readonly {
    readonly field: string;
    readonly message: string;
    readonly hint?: string;
  }[];
}

/** The server said no. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;
  readonly error: ErrorBody;
  readonly requestId: string | null;

  constructor(status: number, error: ErrorBody, requestId: string | null) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.requestId = requestId;
  }
}

/** Nobody answers, or somebody who is no Millrace server. */
export class NoConnectionError extends Error {
  override readonly name = "NoConnectionError";
}

type Envelope =
  | { readonly success: true; readonly data: unknown; readonly meta?: Meta }
  | { readonly success: false; readonly error: ErrorBody };

export async function createClient(settings: Settings, io: Io): Promise<Client> {
  const server = serverOf(settings);
  const key = settings.get("key") ?? (await findDevKey(server, settings.data));
  const headers: Record<string, string> = key === null ? {} : { "x-api-key": key };

  async function send<T>(path: string, init: RequestInit): Promise<Reply<T>> {
    const response = await io.fetch(`${server}${path}`, init).catch((cause: unknown) => {
      const message = `No server answers at ${server}. Start one with "millrace start", or name another with --server.`;
      throw new NoConnectionError(message, { cause });
    });
    const body = await readEnvelope(response, server);
    if (!body.success) {
      throw new RefusedError(response.status, body.error, response.headers.get("x-request-id"));
    }
    // The paths above decide what the server sends.
    return { data: body.data as T, meta: body.meta, headers: response.headers };
  }

  return {
    server,
    get: (path) => send(path, { headers }),
    post: (path, body) => send(path, { method: "POST", headers, body: JSON.stringify(body) }),
  };
}

function serverOf(settings: Settings): string {
  const given = settings.get("server");
  if (given !== null) return given.replace(/\/+$/, "");
  return toServerUrl(settings.get("host") ?? "127.0.0.1", Number(settings.get("port")));
}

/** An address that listens everywhere is reached at home. */
export function toServerUrl(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** The key of this machine's development server is told to this machine only. */
async function findDevKey(server: string, data: string): Promise<string | null> {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, "");
  return (await isLoopbackHost(host)) ? readDevKey(data) : null;
}

async function readEnvelope(response: Response, server: string): Promise<Envelope> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    // Every answer of the API says whether it succeeded; its shape follows from that.
    if (typeof body === "object" && body !== null && "success" in body) return body as Envelope;
  } catch {
    // Told below, as for JSON that is not ours.
  }
  const message = `What answers at ${server} (HTTP ${response.status}) is not a Millrace server. Is --server right?`;
  throw new NoConnectionError(message);
}
