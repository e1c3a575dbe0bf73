import { MillraceError } from "@millrace/protocol";
import { UnauthorizedException, type CanActivate, type ExecutionContext } from "@nestjs/common";
import { createHmac, timingSafeEqual, type BinaryToTextEncoding } from "node:crypto";

/** What both sides know. Several: any of them counts, while one takes over from another. A function is asked each time. */
export type WebhookSecret =
  | string
  | readonly string[]
  | ((request: unknown) => string | readonly string[] | Promise<string | readonly string[]>);

export interface SignatureOptions {
  /** How far the sender's clock and ours may be apart, which also bounds replays. Default: 300,000 ms. */
  readonly toleranceMs?: number;
}

export interface HmacOptions extends SignatureOptions {
  readonly secret: WebhookSecret;
  /** That carries the signature. */
  readonly header: string;
  /** What stands before the signature, as `sha256=`. Default: nothing. */
  readonly prefix?: string;
  /** Default: `sha256`. */
  readonly algorithm?: "sha1" | "sha256" | "sha512";
  /** Default: `hex`. */
  readonly encoding?: "hex" | "base64" | "base64url";
  /** That carries seconds since 1970, signed as `<seconds>.<body>`. Default: none, and a replay is not noticed. */
  readonly timestampHeader?: string;
}

/** Give it to `@UseGuards()`. */
export type WebhookSignatureGuard = CanActivate;

/**
 * Guards for webhooks: a request goes on only if whoever knows the secret has signed its body. They need the bytes
 * of the body: create the application with `rawBody: true`.
 *
 * Answered are 401 if the signature is missing, wrong or too old, and 500 if the body's bytes are not there. What is no
 * request of HTTP (a message, a query of GraphQL) goes never on.
 */
export const WebhookSignature: {
  /** `stripe-signature`, as Stripe sends it. */
  stripe(secret: WebhookSecret, options?: SignatureOptions): WebhookSignatureGuard;
  /** `x-hub-signature-256`, as GitHub sends it. It has no time, so a replay is not noticed. */
  github(secret: WebhookSecret): WebhookSignatureGuard;
  /** `x-slack-signature`, as Slack sends it. */
  slack(secret: WebhookSecret, options?: SignatureOptions): WebhookSignatureGuard;
  /** A hash of the body with a secret key, as most others send it. */
  hmac(options: HmacOptions): WebhookSignatureGuard;
} = {
  stripe: (secret, options = {}) => new SignatureGuard(secret, readStripe, options),
  github: (secret) => WebhookSignature.hmac({ secret, ...GITHUB }),
  slack: (secret, options = {}) => new SignatureGuard(secret, readSlack, options),
  hmac: (options) =>
    new SignatureGuard(options.secret, (headers) => readHmac(headers, options), options),
};

const GITHUB = { header: "x-hub-signature-256", prefix: "sha256=" };
const DEFAULT_TOLERANCE_MS = 300_000;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a sender says. */
interface Claim {
  /** Any of them counts. */
  readonly signatures: readonly string[];
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly encoding: BinaryToTextEncoding;
  /** As it was sent; null: the scheme has none. */
  readonly seconds: string | null;
  /** Stands before the body in what is signed. */
  readonly before: string;
}

/** @returns undefined: it is not there, or not in this form */
type ReadClaim = (headers: Headers) => Claim | undefined;

class SignatureGuard implements CanActivate {
  readonly #secret: WebhookSecret;
  readonly #read: ReadClaim;
  readonly #toleranceMs: number;

  /** @throws {MillraceError} option.invalid */
  constructor(secret: WebhookSecret, read: ReadClaim, { toleranceMs }: SignatureOptions) {
    if (typeof secret !== "function") checkSecrets(secret);
    this.#secret = secret;
    this.#read = read;
    this.#toleranceMs = toleranceMs ?? DEFAULT_TOLERANCE_MS;
    if (!(this.#toleranceMs > 0)) throw invalid("`toleranceMs` must be a number above 0");
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== "http") throw new Error(NOT_HTTP);
    const request: SignedRequest = context.switchToHttp().getRequest();
    const claim = this.#read(request.headers);
    if (claim === undefined) throw new UnauthorizedException("The webhook's signature is missing");
    const body = readBody(request);
    const secrets = await this.#readSecrets(request);
    if (!secrets.some((secret) => isSigned(claim, body, secret))) {
      throw new UnauthorizedException("The webhook's signature is wrong");
    }
    if (!this.#isFresh(claim)) {
      throw new UnauthorizedException("The webhook's signature is too old, or of the future");
    }
    return true;
  }

  async #readSecrets(request: SignedRequest): Promise<readonly string[]> {
    const secret = this.#secret;
    return checkSecrets(typeof secret === "function" ? await secret(request) : secret);
  }

  #isFresh({ seconds }: Claim): boolean {
    if (seconds === null) return true;
    return Math.abs(Date.now() - Number(seconds) * 1_000) <= this.#toleranceMs;
  }
}

const NOT_HTTP =
  "A guard of WebhookSignature checks requests of HTTP: only these have a body as it was sent, and headers";

/** What Express and Fastify have in common, with Nest's `rawBody: true`. */
interface SignedRequest {
  readonly headers: Headers;
  readonly rawBody?: Buffer;
}

function readBody({ headers, rawBody }: SignedRequest): Buffer {
  if (rawBody !== undefined) return rawBody;
  const length = single(headers, "content-length") ?? "0";
  // No parser has seen a body that was never sent.
  if (length === "0" && headers["transfer-encoding"] === undefined) return Buffer.alloc(0);
  throw new Error(
    "The bytes of a webhook's body are not there, so its signature cannot be checked: create the application with `NestFactory.create(AppModule, { rawBody: true })`, and have a body parser for its content type",
  );
}

function isSigned(claim: Claim, body: Buffer, secret: string): boolean {
  const { signatures, algorithm, encoding, before } = claim;
  const hash = createHmac(algorithm, secret).update(before).update(body);
  const expected = Buffer.from(hash.digest(encoding));
  return signatures.some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const SECONDS = /^\d{1,12}$/;

/** `t=1700000000,v1=…,v1=…` */
function readStripe(headers: Headers): Claim | undefined {
  const parts = (single(headers, "stripe-signature") ?? "").split(",").map((part) => {
    const at = part.indexOf("=");
    return { name: part.slice(0, at).trim(), value: part.slice(at + 1).trim() };
  });
  const seconds = parts.find(({ name }) => name === "t")?.value ?? "";
  const signatures = parts.filter(({ name }) => name === "v1").map(({ value }) => value);
  if (!SECONDS.test(seconds) || signatures.length === 0) return undefined;
  return { signatures, algorithm: "sha256", encoding: "hex", seconds, before: `${seconds}.` };
}

/** `v0=…`, over `v0:<seconds>:<body>`. */
function readSlack(headers: Headers): Claim | undefined {
  const signature = single(headers, "x-slack-signature");
  const seconds = single(headers, "x-slack-request-timestamp") ?? "";
  if (signature?.startsWith("v0=") !== true || !SECONDS.test(seconds)) return undefined;
  const before = `v0:${seconds}:`;
  const signatures = [signature.slice(3)];
  return { signatures, algorithm: "sha256", encoding: "hex", seconds, before };
}

function readHmac(
  headers: Headers,
  { header, prefix = "", algorithm = "sha256", encoding = "hex", timestampHeader }: HmacOptions,
): Claim | undefined {
  const signature = single(headers, header);
  if (signature?.startsWith(prefix) !== true) return undefined;
  const signatures = [signature.slice(prefix.length)];
  const claim = { signatures, algorithm, encoding };
  if (timestampHeader === undefined) return { ...claim, seconds: null, before: "" };
  const seconds = single(headers, timestampHeader) ?? "";
  return SECONDS.test(seconds) ? { ...claim, seconds, before: `${seconds}.` } : undefined;
}

function single(headers: Headers, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === "string" ? value : value?.[0];
}

function checkSecrets(given: string | readonly string[]): readonly string[] {
  // A variable of the environment that is not set comes here in spite of the type.
  const secrets = typeof given === "string" ? [given] : (given ?? []);
  if (secrets.length > 0 && secrets.every((it) => typeof it === "string" && it !== "")) {
    return secrets;
  }
  throw invalid("The secret of a webhook is missing or empty");
}

const invalid = (message: string): MillraceError => new MillraceError("option.invalid", message);
