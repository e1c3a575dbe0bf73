// The node's own connection, in a thread of its own: it beats, it hears what other nodes tell, and it tells them. User
// load cannot take it, and a function that keeps the event loop busy does not make a dead node.
//
//   H1. It beats when it is asked to, and by itself when nobody has asked for half a lease: the main thread is busy.
//   H2. It stops doing so once the main thread has been silent for `silentMs`: a loop that never ends is a dead node.
//   H3. What goes wrong is mended by the next beat, with a new connection: nobody knows what the old one has prepared.
import { Client, type ClientConfig } from "pg";
import type { Row } from "../rows/cells.ts";
import { Flight, Prepared } from "./flight.ts";
import type { Leases } from "./leases.ts";
import { BEAT, JOIN } from "./pulse.ts";
import { bind, statement, type Bound } from "./statement.ts";

export interface HeartbeatOptions {
  readonly config: ClientConfig;
  readonly isPooled: boolean;
  readonly leaseMs: number;
  readonly silentMs: number;
}

export interface JoiningNode {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
}

/** What the main thread asks; each is answered with a row, or the error. */
export type Asked =
  | { readonly kind: "join"; readonly node: JoiningNode; readonly now: number | null }
  | { readonly kind: "beat"; readonly node: string; readonly now: number | null }
  | { readonly kind: "forget"; readonly node: string }
  | { readonly kind: "listen"; readonly node: string }
  | { readonly kind: "unlisten"; readonly node: string }
  | { readonly kind: "tell"; readonly words: readonly Word[] }
  | { readonly kind: "close" };

/** A hint on its way. */
export interface Word {
  /** null: all nodes. */
  readonly to: string | null;
  readonly text: string;
}

/** PostgreSQL's limit is 8,000 bytes. */
export const MOST_BYTES = 7_900;

const TELL = statement(
  "tell",
  "select pg_notify(u.channel, u.text) from unnest($1::text[], $2::text[]) u(channel, text)",
);

const ALL = "millrace";
const channelOf = (node: string | null): string => (node === null ? ALL : `${ALL}_${node}`);

/** Silence on the line for so long is a dead line. */
const ANSWER_WITHIN_MS = 4_000;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #hear: (text: string) => void;
  readonly #channels = new Set<string>();
  readonly #leases: Leases = new Map();
  #client: Client | null = null;
  #connecting: Promise<Client> | null = null;
  #prepared = new Prepared(true);
  /** What was sent last: `pg` will not queue. */
  #last: Promise<unknown> = Promise.resolve();
  /** Nodes of this process that live by the database's time, and when each was asked to beat. */
  readonly #askedAtMs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param hear what others tell */
  constructor(options: HeartbeatOptions, hear: (text: string) => void) {
    this.#options = options;
    this.#hear = hear;
  }

  /** @returns the statement's row, or none. @throws what `pg` throws */
  async answer(asked: Asked): Promise<Row> {
    switch (asked.kind) {
      case "join": {
        const { id, host, pid } = asked.node;
        const row = await this.#send(bind(JOIN, id, host, pid, this.#options.leaseMs, asked.now));
        this.#leases.set(id, Number(row[0]) + this.#options.leaseMs);
        if (asked.now === null) this.#askedAtMs.set(id, performance.now());
        this.#plan();
        return row;
      }
      case "beat":
        if (this.#askedAtMs.has(asked.node)) this.#askedAtMs.set(asked.node, performance.now());
        this.#plan();
        return this.#beat(asked.node, asked.now);
      case "forget":
        this.#askedAtMs.delete(asked.node);
        return [];
      case "listen":
        await this.#listen([ALL, channelOf(asked.node)]);
        return [];
      case "unlisten":
        this.#channels.delete(channelOf(asked.node));
        return [];
      case "tell":
        await this.#tell(asked.words);
        return [];
      case "close":
        await this.close();
        return [];
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#askedAtMs.clear();
    const client = this.#client ?? (await this.#connecting?.catch(() => null)) ?? null;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  /** H1. */
  #plan(): void {
    clearTimeout(this.#timer);
    if (this.#askedAtMs.size === 0) return;
    // A little later than the main thread, which asks every half a lease.
    this.#timer = setTimeout(() => void this.#beatAlone(), this.#options.leaseMs * 0.6);
  }

  async #beatAlone(): Promise<void> {
    const nowMs = performance.now();
    // H2.
    const alive = [...this.#askedAtMs].filter(([, ms]) => nowMs - ms <= this.#options.silentMs);
    for (const [node] of alive) await this.#beat(node, null).catch(() => undefined);
    if (alive.length > 0) this.#plan();
  }

  async #beat(node: string, now: number | null): Promise<Row> {
    const { leaseMs } = this.#options;
    const row = await this.#send(bind(BEAT, node, leaseMs, now, this.#leases.get(node) ?? 0));
    const [isDone, at] = row;
    if (isDone === 1 && typeof at === "number") this.#leases.set(node, at + leaseMs);
    else this.#askedAtMs.delete(node);
    return row;
  }

  async #listen(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel);
    if (this.#options.isPooled) return;
    await this.#inTurn(async () => listen(await this.#connect(), channels));
  }

  async #tell(words: readonly Word[]): Promise<void> {
    const channels = words.map(({ to }) => channelOf(to));
    const texts = words.map(({ text }) => text);
    await this.#send(bind(TELL, toArray(channels), toArray(texts)));
  }

  #send(bound: Bound): Promise<Row> {
    return this.#inTurn(async () => {
      const client = await this.#connect();
      try {
        return await fly(client, bound, this.#prepared);
      } catch (error) {
        this.#drop(client);
        throw error;
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** H3. */
  #connect(): Promise<Client> {
    if (this.#client !== null) return Promise.resolve(this.#client);
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #open(): Promise<Client> {
    const client = new Client({ ...this.#options.config, keepAlive: true });
    client.on("error", () => this.#drop(client));
    client.on("end", () => this.#drop(client));
    client.on("notification", ({ processId, channel, payload = "" }) => {
      // What this node has told all is not for itself. What it has told one may be for another node of this process.
      const isOwn = "processID" in client && processId === client.processID;
      if (!isOwn || channel !== ALL) this.#hear(payload);
    });
    try {
      await client.connect();
      if (!this.#options.isPooled) await listen(client, [...this.#channels]);
    } catch (error) {
      client.end().catch(() => undefined);
      throw error;
    }
    this.#prepared = new Prepared(!this.#options.isPooled);
    this.#client = client;
    return client;
  }

  #drop(client: Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => undefined);
  }
}

async function listen(client: Client, channels: readonly string[]): Promise<void> {
  for (const channel of channels)
    await fly(client, bind(statement("listen", `listen "${channel}"`)), new Prepared(false));
}

function fly(client: Client, bound: Bound, prepared: Prepared): Promise<Row> {
  return new Promise((resolve, reject) => {
    const alarm = setTimeout(() => {
      reject(new Error(`the database gave no answer within ${ANSWER_WITHIN_MS} ms`));
    }, ANSWER_WITHIN_MS);
    const flight = new Flight([bound], prepared, (error, results) => {
      clearTimeout(alarm);
      if (error === null) resolve(results[0]?.[0] ?? []);
      else reject(error);
    });
    client.query(flight);
  });
}

/** Node ids and JSON texts without line feeds, as an array in PostgreSQL's own notation. */
const toArray = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
