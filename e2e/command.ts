// The real `millrace` command in processes of its own. Whatever a test leaves behind dies with its world, and at the
// latest with the test's process.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { soon } from "./deadline.ts";

const BIN = fileURLToPath(new URL("../packages/millrace/bin/millrace.js", import.meta.url));
/** What the bin would put itself behind; with them it starts one Node instead of two, a fifth faster. */
const FLAGS = ["--conditions=source", "--disallow-code-generation-from-strings"];

export interface LaunchOptions {
  /** Working folder, in which functions find their files. */
  readonly folder: string;
  readonly args: readonly string[];
  /** Words before the command line: another program that runs it. */
  readonly under?: readonly string[];
  /** Default: the command's bin. */
  readonly script?: string;
  /** Settings, beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that was started, and everything that it starts in turn. */
export interface Launched {
  /** Of the process itself; under another program, of that one. */
  readonly pid: number;
  /** The first line of standard output that is complete. Rejects if the process ends without one. */
  readonly firstLine: Promise<string>;
  readonly exited: Promise<Exit>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when standard error holds `text`. */
  says(text: string): Promise<void>;
  /** SIGKILL to all of it; resolves when it is gone. Safe to call again. */
  kill(): Promise<void>;
}

const living = new Set<ChildProcess>();
const killAll = (): void => living.forEach((child) => killGroup(child));
// The second: whoever runs the tests was killed.
process.on("exit", killAll).on("disconnect", killAll);

export function launch({
  folder,
  args,
  under = [],
  script = BIN,
  env = {},
}: LaunchOptions): Launched {
  const [file = process.execPath, ...rest] = [
    ...under,
    process.execPath,
    ...FLAGS,
    script,
    ...args,
  ];
  // A group of its own, so that a tracer cannot die and leave the traced behind.
  const child = spawn(file, rest, {
    cwd: folder,
    env: { ...cleanEnvironment(), ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  living.add(child);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = waitForExit(child);
  const story = (): string => `\n${stdout.text()}${stderr.text()}`;
  const firstLine = Promise.race([
    stdout.until((text) => text.includes("\n")),
    exited.then(({ code, signal }) => {
      throw new Error(`the process ended with ${code ?? signal}:${story()}`);
    }),
  ]).then(() => stdout.text().split("\n", 1)[0] ?? "");
  // Whoever does not want the line does not care that it never comes.
  firstLine.catch(() => {});
  return {
    pid: child.pid ?? 0,
    firstLine,
    exited,
    stdout: stdout.text,
    stderr: stderr.text,
    says: (text) =>
      soon(
        `"${text}"`,
        stderr.until((all) => all.includes(text)),
        story,
      ),
    kill: async () => {
      killGroup(child);
      await exited;
    },
  };
}

/** The command's own names stay outside; one that it does not know would be an error. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const names = Object.entries(process.env).filter(([name]) => !name.startsWith("MILLRACE_"));
  return Object.fromEntries(names);
}

async function waitForExit(child: ChildProcess): Promise<Exit> {
  // "close" comes when its output has been read to the end, too.
  await once(child, "close");
  living.delete(child);
  return { code: child.exitCode, signal: child.signalCode };
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just gone by itself.
  }
}

interface Collected {
  readonly text: () => string;
  until(holds: (text: string) => boolean): Promise<void>;
}

function collect(stream: NodeJS.ReadableStream): Collected {
  let text = "";
  const waiting = new Set<() => void>();
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    for (const look of waiting) look();
  });
  return {
    text: () => text,
    until: (holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!holds(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
