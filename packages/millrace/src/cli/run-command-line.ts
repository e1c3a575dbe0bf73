// One call of the command, from its arguments to its exit code. Whatever goes wrong is one sentence, not a stack.
import { MillraceError } from "@millrace/protocol";
import { CommanderError } from "commander";
import { RefusedError } from "./client.ts";
import { EXIT, toExitCode, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { createProgram } from "./program.ts";

export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(io, (it) => (code = it));
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // Commander has said what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const isJson = args.includes("--json");
    io.err(isJson ? `${JSON.stringify(toErrorBody(error))}\n` : tell(error, io));
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
    if (error.status === 401) lines.push(NO_KEY);
    if (error.status >= 500 && error.requestId !== null) {
      lines.push(plain(`  The server's log says more under ${error.requestId}.`));
    }
  }
  return `${lines.join("\n")}\n`;
}

const NO_KEY =
  "  Give a key with --key or MILLRACE_KEY. A development server keeps one in <data>/dev-key: name its folder with --data.";

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
