// Entry of the `millrace` command; runs on import.
import { text } from "node:stream/consumers";
import { withoutColors, type Io } from "./io.ts";
import { runCommandLine } from "./run-command-line.ts";

const { env, stdin, stdout, stderr } = process;
const settings = { ...env };
// User code runs in this process and its children: the keys are none of its business.
delete env["MILLRACE_ADMIN_KEY"];
delete env["MILLRACE_KEY"];
delete env["MILLRACE_DATABASE_URL"];
delete env["MILLRACE_DATABASE_READ_URL"];

const AT_ONCE = 130;
/** One Ctrl-C may arrive twice, from the terminal and from npm; two by hand are further apart. */
const SAME_SIGNAL_MS = 300;

const io: Io = {
  env: settings,
  cwd: process.cwd(),
  fetch: (url, init) => fetch(url, init),
  out: (words) => stdout.write(words),
  // Whether there are colours is decided by standard output.
  err: (words) => stderr.write(stderr.isTTY ? words : withoutColors(words)),
  terminal: () =>
    stdout.isTTY ? { columns: stdout.columns || 80, rows: stdout.rows || 24 } : null,
  readInput: () => text(stdin),
  untilStopped: () =>
    new Promise((resolve) => {
      let firstAt: number | null = null;
      const onSignal = (): void => {
        if (firstAt !== null && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(AT_ONCE);
        firstAt ??= performance.now();
        resolve();
      };
      process.on("SIGINT", onSignal);
      process.on("SIGTERM", onSignal);
    }),
};

// `millrace runs list | head -1`: whoever read along has left.
stdout.on("error", () => process.exit(0));
stderr.on("error", () => {});

// By force, since a step's function may have left a timer or a connection behind.
process.exit(await runCommandLine(process.argv.slice(2), io));
