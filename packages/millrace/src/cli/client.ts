// Speaks REST v1 for the commands.
import type { Meta } from "../doors/rest/envelope.ts";
import type { Connection } from "./connection.ts";
import type { Io } from "./io.ts";

export interface Reply<T> {
  readonly data: T;
  readonly meta: Meta | undefined;
  readonly headers: Headers;
}

export interface Client {
  readonly server: string;
  get<T>(path: string): Promise<Reply<T>>;
  post<T>(path: string, body: object): Promise<Reply<T>>;
  put<T>(path: string, body: object): Promise<Reply<T>>;
  delete<T>(path: string): Promise<Reply<T>>;
  /** An answer that goes on and on: its bytes as they come. */
  stream(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
}

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly reason: string;
  readonly details?: readonly Detail[];
}

/** One mistake or warning, as the API tells it. */
export interface Detail {
  readonly field: string;
  readonly message: string;
  readonly hint?: string;
}

/** The server said no. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;
  readonly error: ErrorBody;
  readonly requestId: string | null;
  /** How long to wait before another try; null: it does not say. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, error: ErrorBody, headers: Headers) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.requestId = headers.get("x-request-id");
    const after = Number(headers.get("retry-after") ?? Number.NaN);
    this.retryAfterSeconds = Number.isFinite(after) ? after : null;
  }
}

/** Nobody answers, or somebody who is no Millrace server. */
export class NoConnectionError extends Error {
  override readonly name = "NoConnectionError";
}

type Envelope =
  | { readonly success: true; readonly data: unknown; readonly meta?: Meta }
  | { readonly success: false; readonly error: ErrorBody };

export function createClient({ server, key, tenant }: Connection, io: Pick<Io, "fetch">): Client {
  const headers: Record<string, string> = {
    ...(key === null ? {} : { "x-api-key": key }),
    ...(tenant === null ? {} : { "x-millrace-tenant": tenant }),
  };

  async function ask(path: string, init: RequestInit): Promise<Response> {
    return io.fetch(`${server}${path}`, init).catch((cause: unknown) => {
      const message = `No server answers at ${server}. Start one with "millrace start", or name another with --server.`;
      throw new NoConnectionError(message, { cause });
    });
  }

  async function send<T>(path: string, init: RequestInit): Promise<Reply<T>> {
    const response = await ask(path, init);
    const body = await readEnvelope(response, server);
    if (!body.success) throw new RefusedError(response.status, body.error, response.headers);
    // The paths above decide what the server sends.
    return { data: body.data as T, meta: body.meta, headers: response.headers };
  }

  return {
    server,
    get: (path) => send(path, { headers }),
    post: (path, body) => send(path, { method: "POST", headers, body: JSON.stringify(body) }),
    put: (path, body) => send(path, { method: "PUT", headers, body: JSON.stringify(body) }),
    delete: (path) => send(path, { method: "DELETE", headers }),
    stream: async (path, more, signal) => {
      const response = await ask(path, { headers: { ...headers, ...more }, signal });
      const type = response.headers.get("content-type") ?? "";
      if (response.body !== null && type.startsWith("text/event-stream")) return response.body;
      const body = await readEnvelope(response, server);
      if (!body.success) throw new RefusedError(response.status, body.error, response.headers);
      throw new NoConnectionError(`${server}${path} is no stream of events.`);
    },
  };
}

async function readEnvelope(response: Response, server: string): Promise<Envelope> {
  const text = await response.text().catch((cause: unknown) => {
    throw new NoConnectionError(`The answer of ${server} broke off.`, { cause });
  });
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
