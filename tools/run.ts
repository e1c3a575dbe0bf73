import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { ROOT } from "./workspace.ts";

/** Our own Node and tools first, also where npm did not start us. */
const PATH = [join(ROOT, "node_modules", ".bin"), process.env["PATH"]].join(delimiter);

/**
 * Runs one of our tools from the root; it shows its output as it goes.
 *
 * @returns the exit code; 1 where a signal ended it
 */
export async function run(command: string, args: readonly string[]): Promise<number> {
  const env = { ...process.env, PATH };
  const child = spawn(command, args, { cwd: ROOT, env, stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}

/** How a tool ended, and the last that it said. */
export interface Heard {
  /** 1 where a signal ended it. */
  readonly code: number;
  /** The end of its output, of some thousand characters. */
  readonly tail: string;
}

const TAIL_LENGTH = 6_000;

/** Runs one of our tools from the root, shows its output as it goes, and remembers the end of it. */
export async function runAndHear(command: string, args: readonly string[]): Promise<Heard> {
  const colors = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const env = { ...process.env, ...colors, PATH };
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ["inherit", "pipe", "pipe"] });
  let tail = "";
  const hear = (to: NodeJS.WriteStream) => (text: string) => {
    to.write(text);
    tail = (tail + text).slice(-TAIL_LENGTH);
  };
  child.stdout.setEncoding("utf8").on("data", hear(process.stdout));
  child.stderr.setEncoding("utf8").on("data", hear(process.stderr));
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, tail };
}

/** What a command has to be given, and the time after which it counts as hung. */
export interface CollectRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number;
}

/**
 * Runs a command and gives its standard output.
 *
 * @throws {Error} it failed, or did not end within the limit; the message holds all that it printed
 */
export async function collect(request: CollectRequest): Promise<string> {
  const { command, args, cwd, env, limitMs } = request;
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const transcript = readTranscript(child);
  const signal = AbortSignal.timeout(limitMs);
  try {
    const [code] = (await once(child, "close", { signal })) as [number | null];
    if (code === 0) return transcript.out();
  } catch (cause) {
    child.kill("SIGKILL");
    if (!signal.aborted) throw cause;
    throw new Error(`${command} ${args.join(" ")} hung:\n${transcript.all()}`, { cause });
  }
  throw new Error(`${command} ${args.join(" ")} failed:\n${transcript.all()}`);
}

/** What a child has printed so far. */
export interface Transcript {
  /** Standard output. */
  out(): string;
  /** Standard output and error, in the order in which they came. */
  all(): string;
}

export function readTranscript({ stdout, stderr }: ChildProcess): Transcript {
  let out = "";
  let all = "";
  stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    all += text;
  });
  stderr?.setEncoding("utf8").on("data", (text: string) => {
    all += text;
  });
  return { out: () => out, all: () => all };
}
