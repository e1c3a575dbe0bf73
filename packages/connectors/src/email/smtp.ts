// Sends a mail by SMTP: to the address that the guard has checked, with certificates checked against the name.
import { ActionError, type ActionContext } from "@millrace/protocol";
import type { SMTPTransportOptions } from "nodemailer/lib/smtp-transport";
import type { Outbound } from "../outbound.ts";
import { toMailError } from "./errors.ts";
import type { Mail, Mailbox } from "./mail.ts";
import type { Sender } from "./read-mail.ts";

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else STARTTLS where the server has it. */
  readonly isSecure: boolean;
  /** null: without a login. */
  readonly login: { readonly user: string; readonly pass: string } | null;
}

export interface SmtpDelivery {
  readonly mail: Mail;
  readonly from: Sender;
  readonly messageId: string;
}

export interface Delivered {
  readonly messageId: string;
  readonly accepted: readonly string[];
  /** Recipients that the server did not take, while it took others. Absent: it took all. */
  readonly rejected?: readonly string[];
}

const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 60_000;
const DEFAULT_PORT = 587;
const DEFAULT_SECURE_PORT = 465;

/**
 * `smtp://host:587`, `smtps://user:password@host`. What else libraries put into such addresses (options as a query)
 * is refused, because it can turn checks off.
 *
 * @throws {ActionError} connection.invalid, without a word of the address: it holds a password
 */
export function parseSmtpUrl(text: string): SmtpServer {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isSecure = url?.protocol === "smtps:";
  const isPlain =
    url !== null && url.search === "" && url.hash === "" && /^\/?$/.test(url.pathname);
  if (!isPlain || url.hostname === "" || (!isSecure && url.protocol !== "smtp:")) {
    const message = "The mail server must be given as smtp://user:password@host:port, or smtps://…";
    throw new ActionError("connection.invalid", message, { source: "definition" });
  }
  const port = url.port === "" ? (isSecure ? DEFAULT_SECURE_PORT : DEFAULT_PORT) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const user = decode(url.username);
  const login = user === "" ? null : { user, pass: decode(url.password) };
  return { host, port, isSecure, login };
}

/** Whoever writes a lone per cent sign means it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No other error comes from there.
    return text;
  }
}

/** @throws {ActionError} email.…, or what the guard says */
export async function sendBySmtp(
  server: SmtpServer,
  { mail, from, messageId }: SmtpDelivery,
  outbound: Outbound,
  { signal }: ActionContext,
): Promise<Delivered> {
  const { address } = await outbound.resolve(server.host, server.port);
  // Loaded when it is first needed.
  const { createTransport } = await import("nodemailer");
  const options: SMTPTransportOptions = {
    host: address,
    port: server.port,
    secure: server.isSecure,
    // A password is said in clear only to this machine itself.
    requireTLS: server.login !== null && !isLoopback(address),
    ...(server.login === null ? {} : { auth: server.login }),
    tls: isLiteral(server.host) ? {} : { servername: server.host },
    disableFileAccess: true,
    disableUrlAccess: true,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
  };
  const transport = createTransport(options);
  try {
    const sent = await transport.sendMail({
      ...toMessage(mail),
      from: toHeader(from),
      messageId,
      signal,
    });
    const { accepted, rejected } = sent;
    return { messageId, accepted, ...(rejected.length === 0 ? {} : { rejected }) };
  } catch (error) {
    throw toMailError(error, server);
  } finally {
    transport.close();
  }
}

/** An address has no name to ask for; its certificate names the address. */
const isLiteral = (host: string): boolean => host.includes(":") || /^[\d.]+$/.test(host);

const isLoopback = (address: string): boolean => address === "::1" || address.startsWith("127.");

/** Mailboxes as objects, so that no second parser reads them. */
const toHeader = ({ name, address }: Mailbox): { name: string; address: string } => ({
  name,
  address,
});

const toMessage = (mail: Mail): object => ({
  to: mail.to.map(toHeader),
  cc: mail.cc.map(toHeader),
  bcc: mail.bcc.map(toHeader),
  replyTo: mail.replyTo.map(toHeader),
  subject: mail.subject,
  headers: mail.headers,
  ...(mail.html === null ? {} : { html: mail.html }),
  ...(mail.text === null ? {} : { text: mail.text }),
  attachments: mail.attachments.map(({ filename, content, encoding, contentType }) => ({
    filename,
    content,
    encoding,
    ...(contentType === null ? {} : { contentType }),
  })),
});
