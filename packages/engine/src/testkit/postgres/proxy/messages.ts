// PostgreSQL's messages, version 3 of its protocol, as far as a proxy must read and write them.
// https://www.postgresql.org/docs/current/protocol-message-formats.html

export interface Message {
  /** One letter; "": a client's first message, which has none. */
  readonly type: string;
  /** Without type and length. */
  readonly body: Buffer;
  /** The whole of it, as it travelled. */
  readonly bytes: Buffer;
}

const LENGTH_BYTES = 4;

/** Cuts bytes into messages. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Whether the next message has no type. */
  #isFirst: boolean;

  constructor(side: "client" | "server") {
    this.#isFirst = side === "client";
  }

  read(bytes: Buffer): readonly Message[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: Message[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) messages.push(next);
    return messages;
  }

  #next(): Message | undefined {
    const typeBytes = this.#isFirst ? 0 : 1;
    if (this.#rest.length < typeBytes + LENGTH_BYTES) return undefined;
    const end = typeBytes + this.#rest.readInt32BE(typeBytes);
    if (this.#rest.length < end) return undefined;
    const bytes = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end);
    const message = {
      type: bytes.toString("latin1", 0, typeBytes),
      body: bytes.subarray(typeBytes + LENGTH_BYTES),
      bytes,
    };
    // A request for encryption is answered, and then comes the first message again.
    if (message.type === "" && !isEncryptionRequest(message)) this.#isFirst = false;
    return message;
  }
}

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

const codeOf = ({ type, body }: Message): number =>
  type === "" && body.length >= 4 ? body.readInt32BE(0) : 0;

export const isEncryptionRequest = (message: Message): boolean =>
  [SSL_REQUEST, GSS_REQUEST].includes(codeOf(message));
export const isCancelRequest = (message: Message): boolean => codeOf(message) === CANCEL_REQUEST;
/** "No, in the clear", which is not a message but a letter. */
export const NO_ENCRYPTION: Buffer = Buffer.from("N");

/** Texts that end in a zero byte, one after the other. */
export function readTexts(body: Buffer, from = 0): readonly string[] {
  return body.toString("utf8", from).split("\0");
}

/** Of a client's first message. */
export function readStartup({ body }: Message): ReadonlyMap<string, string> {
  const texts = readTexts(body, 4);
  const parameters = new Map<string, string>();
  for (let i = 0; (texts[i] ?? "") !== ""; i += 2)
    parameters.set(texts[i] ?? "", texts[i + 1] ?? "");
  return parameters;
}

const VERSION_3 = 196_608;

export function toStartup(parameters: ReadonlyMap<string, string>): Buffer {
  const texts = [...parameters].flatMap(([name, value]) => `${name}\0${value}\0`).join("");
  return toBytes("", Buffer.concat([toInt32(VERSION_3), Buffer.from(`${texts}\0`)]));
}

function toBytes(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), toInt32(body.length + LENGTH_BYTES), body]);
}

/** AuthenticationOk. */
export const toAuthenticated = (): Buffer => toBytes("R", toInt32(0));

/** BackendKeyData. */
export const toKey = (pid: number, secret: number): Buffer =>
  toBytes("K", Buffer.concat([toInt32(pid), toInt32(secret)]));

/** ReadyForQuery, outside of a transaction. */
export const toReady = (): Buffer => toBytes("Z", Buffer.from("I"));

/** An ErrorResponse after which the connection closes. */
export function toFatal(code: string, message: string): Buffer {
  const fields = [`SFATAL`, `VFATAL`, `C${code}`, `M${message}`].map((field) => `${field}\0`);
  return toBytes("E", Buffer.from(`${fields.join("")}\0`));
}

function toInt32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
