// From what nodemailer throws to what the engine understands.
import { ActionError } from "@millrace/protocol";
import { findActionError, hideSecrets } from "../far-side-errors.ts";
import type { SmtpServer } from "./smtp.ts";

interface SmtpProblem {
  readonly code?: unknown;
  readonly responseCode?: unknown;
  readonly response?: unknown;
  readonly message: string;
}

const LONGEST_SHOWN = 300;

export function toMailError(error: unknown, server: SmtpServer): ActionError {
  const inner = findActionError(error);
  if (inner !== undefined) return inner;
  const problem: SmtpProblem = error instanceof Error ? error : new Error(String(error));
  const { code, responseCode: status } = problem;
  const name = `${server.host}:${server.port}`;
  if (code === "EAUTH" || code === "ENOAUTH") {
    // A server that has too much to do may say so here, too.
    const isPassing = typeof status === "number" && status < 500;
    const message = `The mail server ${name} does not accept the user and password in MILLRACE_SMTP_URL`;
    const source = isPassing ? "infrastructure" : "definition";
    return new ActionError("email.authentication-failed", message, { source });
  }
  if (typeof status === "number") return toReply(problem, status, server);
  const why = hideSecrets(problem.message, secretsOf(server)).slice(0, LONGEST_SHOWN);
  return new ActionError("email.unreachable", `The mail server ${name} cannot be used: ${why}`, {
    source: "infrastructure",
  });
}

/** 4xx: not now. 5xx: not this mail; but 503 is about the order of commands. */
function toReply(problem: SmtpProblem, status: number, server: SmtpServer): ActionError {
  const isFinal = status >= 500 && status !== 503;
  const reply = typeof problem.response === "string" ? problem.response : String(status);
  const shown = hideSecrets(reply, secretsOf(server)).slice(0, LONGEST_SHOWN);
  return isFinal
    ? new ActionError("email.rejected", `The mail server refuses the mail: ${shown}`, {
        details: { status },
      })
    : new ActionError("email.deferred", `The mail server cannot take the mail now: ${shown}`, {
        source: "infrastructure",
        details: { status },
      });
}

/** In the forms in which a server may repeat them. */
function secretsOf({ login }: SmtpServer): readonly string[] {
  if (login === null || login.pass === "") return [];
  const { user, pass } = login;
  const forms = [pass, `\u0000${user}\u0000${pass}`];
  return [pass, ...forms.map((it) => Buffer.from(it).toString("base64"))];
}
