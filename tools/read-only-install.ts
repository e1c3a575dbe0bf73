// The server as `deploy/Containerfile` starts it, without a container: from an install that it may not write to, with no
// folder for temporary files, as nobody where we are root. Only its data folder is its own.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findAccount } from "../packages/engine/src/testkit/postgres/account.ts";
import { collect, readTranscript, type Transcript } from "./run.ts";
import { ROOT } from "./workspace.ts";

const STEP_LIMIT_MS = 60_000;
const ADMIN_KEY = "administrator-of-this-install-0123456789";
const WORKFLOW = {
  id: "wf_hello",
  name: "Hello",
  steps: [{ id: "say", type: "transform", config: { mapping: { said: "hello" } } }],
};

/** What the image sets. */
export function readImageEnv(): Readonly<Record<string, string>> {
  const text = readFileSync(join(ROOT, "deploy", "Containerfile"), "utf8");
  const found = /^ENV ((?:.*\\\n)*.*)/m.exec(text)?.[1] ?? "";
  const pairs = found.split(/[\s\\]+/).map((pair) => pair.split("="));
  return Object.fromEntries(pairs.map(([name = "", value = ""]) => [name, value]));
}

/**
 * @param project a folder with `node_modules`; it is made read-only meanwhile
 * @throws {Error} with what the server printed
 */
export async function runReadOnly(project: string): Promise<void> {
  const account = findAccount();
  const place = mkdtempSync(join(tmpdir(), "millrace-read-only-"));
  const data = join(place, "data");
  const reachable = dirname(project);
  chmodSync(place, 0o755);
  chmodSync(reachable, 0o755);
  const setWritable = (are: "a-w" | "u+w"): void =>
    void spawnSync("chmod", ["-R", are, project], { stdio: "ignore" });
  try {
    setWritable("a-w");
    mkdirFor(data, account);
    const node = toReachable(place, account);
    const env = {
      ...readImageEnv(),
      PATH: dirname(node),
      TMPDIR: project,
      MILLRACE_HOST: "127.0.0.1",
      MILLRACE_PORT: "0",
      MILLRACE_DATA: data,
      MILLRACE_ADMIN_KEY: ADMIN_KEY,
    };
    const bin = join(project, "node_modules", "millrace", "bin", "millrace.js");
    const child = spawn(node, [bin, "start", "--json"], {
      ...account,
      cwd: project,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    await useServer(child);
    const kept = globSync("*", { cwd: data });
    if (!kept.includes("millrace.db")) throw new Error(`the data folder has ${kept.join(", ")}`);
  } finally {
    setWritable("u+w");
    rmSync(place, { recursive: true, force: true });
  }
  console.log("millrace start: an install that it may not write to, and nobody's data folder");
}

type Account = ReturnType<typeof findAccount>;

function mkdirFor(folder: string, account: Account): void {
  mkdirSync(folder, { mode: 0o700 });
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
}

/** This Node, or a copy of it where the other account cannot reach it. */
function toReachable(place: string, account: Account): string {
  const own = process.execPath;
  if (spawnSync(own, ["--version"], { ...account, cwd: "/" }).status === 0) return own;
  const copy = join(place, "node");
  copyFileSync(own, copy);
  chmodSync(copy, 0o755);
  return copy;
}

async function useServer(child: ChildProcess): Promise<void> {
  const transcript = readTranscript(child);
  const closed = once(child, "close");
  const guard = setTimeout(() => child.kill("SIGKILL"), STEP_LIMIT_MS);
  try {
    const url = await Promise.race([readUrl(child, transcript), closed.then(() => undefined)]);
    if (url === undefined) throw new Error("it ended at once");
    await askFor(url);
    await collect({
      command: process.execPath,
      args: [join(ROOT, "deploy", "health-check.js")],
      cwd: ROOT,
      env: { MILLRACE_PORT: new URL(url).port },
      limitMs: STEP_LIMIT_MS,
    });
    child.kill("SIGTERM");
    const [code] = (await closed) as [number | null];
    if (code !== 0) throw new Error(`SIGTERM ended it with ${code ?? "a signal"}`);
  } catch (cause) {
    child.kill("SIGKILL");
    await closed;
    throw new Error(`the read-only server failed:\n${transcript.all()}`, { cause });
  } finally {
    clearTimeout(guard);
  }
}

/** Of the first line that it prints. */
async function readUrl({ stdout }: ChildProcess, transcript: Transcript): Promise<string> {
  while (!transcript.out().includes("\n")) await once(stdout ?? process.stdin, "data");
  const [line = ""] = transcript.out().split("\n");
  // The command's own line.
  return (JSON.parse(line) as { readonly url: string }).url;
}

/** Creates a workflow, and waits for a run of it. */
async function askFor(url: string): Promise<void> {
  const send = async (method: string, path: string, body?: object): Promise<string> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { "x-api-key": ADMIN_KEY, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return text;
  };
  await send("POST", "/workflows", WORKFLOW);
  await send("POST", "/workflows/wf_hello/activate");
  const started = await send("POST", "/workflows/wf_hello/run", { input: {} });
  // The envelope of a start.
  const { data } = JSON.parse(started) as { readonly data: { readonly runId: string } };
  const ended = await send("GET", `/runs/${data.runId}?wait=30`);
  if (!ended.includes('"completed"')) throw new Error(ended);
}
