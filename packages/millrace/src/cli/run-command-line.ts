// One call of the command, from its arguments to its exit code. Whatever goes wrong is one sentence, not a stack.
import { MillraceError } from "@millrace/protocol";
import { CommanderError } from "commander";
import { RefusedError } from "./client.ts";
import { EXIT, toExitCode, type ExitCode } from "./exit-codes.ts";
import { readHelpWords } from "./help-words.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { toSafeJson } from "./json-text.ts";
import { createProgram } from "./program.ts";

export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(io, (it) => (code = it));
  try {
    await program.parseAsync(readHelpWords(program, args), { from: "user" });
    return code;
  } catch (error) {
    // Commander has said what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const isJson = args.includes("--json");
    io.err(isJson ? `${toSafeJson(toErrorBody(error))}\n` : tell(error, io));
    return toExitCode(error);
  }
}

function tell(error: unknown, io: Io): string {
  const { paint } = styleOf(io);
  const lines = [paint("red", plain(messageOf(error)))];
  if (error instanceof RefusedError) {
    for (const { field, message, hint } of error.error.details ?? []) {
      const place = field === "" ? "" : `${field}: `;
      lines.push(plain(`  ${place}${message}${hint === undefined ? "" : ` (${hint})`}`));
    }
    const isRootOnly = error.message.includes('"tenants:admin"');
    const advice = isRootOnly ? ROOT_ONLY : ADVICE.get(error.error.reason);
    if (advice !== undefined) lines.push(`  ${advice}`);
    if (error.status >= 500 && error.requestId !== null) {
      lines.push(plain(`  The server's log says more under ${error.requestId}.`));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** What to do at a command line, by the error's reason. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [
    "request.unauthorized",
    "Give a key with --key or MILLRACE_KEY. A development server keeps one in <data>/dev-key: name its folder with --data.",
  ],
  ["workflow.not-found", "See what there is with: npx millrace workflows list"],
  [
    "workflow.not-active",
    "Let it run with: npx millrace workflows activate <workflow> (one that is archived never runs again).",
  ],
  ["run.not-found", "See what there is with: npx millrace runs list"],
]);

const ROOT_ONLY =
  "Only the administrator's key has it: start the server with MILLRACE_ADMIN_KEY, and give it here with --key.";

function messageOf(error: unknown): string {
  if (error instanceof RefusedError)
    return `${error.message}${/[.!?]$/.test(error.message) ? "" : "."}`;
  return error instanceof Error ? error.message : String(error);
}

function toErrorBody(error: unknown): object {
  if (error instanceof RefusedError) {
    return { success: false, error: error.error, requestId: error.requestId };
  }
  const code = MillraceError.is(error) ? error.code : undefined;
  return { success: false, error: { message: messageOf(error), reason: code } };
}
