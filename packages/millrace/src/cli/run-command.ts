// `millrace run <workflow>`.
import { MillraceError, parseJson, type JsonValue } from "@millrace/protocol";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Client } from "./client.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { watchRun } from "./runs-commands.ts";

export interface RunOptions {
  readonly workflow: string;
  /** JSON, `@file`, or `@-` for standard input; undefined: `{}`. */
  readonly input: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly isWaiting: boolean;
  readonly isJson: boolean;
}

interface Started {
  readonly runId: string;
  readonly status: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
}

export async function run(client: Client, io: Io, options: RunOptions): Promise<ExitCode> {
  const { workflow, idempotencyKey, isJson } = options;
  const input = await readInput(options.input, io);
  const path = `/api/v1/workflows/${encodeURIComponent(workflow)}/run`;
  const { data, headers } = await client.post<Started>(path, { input, idempotencyKey });
  if (options.isWaiting) return watchRun(client, io, data.runId, isJson);
  if (isJson) {
    io.out(`${JSON.stringify(data, null, 2)}\n`);
    return EXIT.done;
  }
  const { paint } = styleOf(io);
  const isReplayed = headers.get("idempotent-replayed") === "true";
  const hasOtherInput = headers.get("idempotency-mismatch") === "true";
  const how = isReplayed
    ? `had been started with this key and is ${data.status}`
    : `started ${plain(data.workflowId)} version ${data.workflowVersion}`;
  io.out(`${paint("bold", data.runId)} ${how}\n`);
  if (hasOtherInput) io.err(`${paint("yellow", "Its input was another one than this.")}\n`);
  io.out(paint("dim", `Follow it with: npx millrace runs watch ${data.runId}\n`));
  return EXIT.done;
}

async function readInput(text: string | undefined, io: Io): Promise<JsonValue> {
  if (text === undefined) return {};
  const [json, source] = text.startsWith("@")
    ? [await readSource(text.slice(1), io), text.slice(1)]
    : [text, "--input"];
  const parsed = parseJson(json);
  if (parsed.ok) return parsed.value;
  const hint = text.startsWith("@") ? "" : ` Quote it for your shell: --input '{"amount": 12}'`;
  throw new MillraceError("option.invalid", `${source} is not JSON: ${parsed.problem}.${hint}`);
}

async function readSource(name: string, io: Io): Promise<string> {
  if (name === "-") return io.readInput();
  try {
    return await readFile(resolve(io.cwd, name), "utf8");
  } catch (cause) {
    throw new MillraceError("option.invalid", `Cannot read the input file ${name}.`, { cause });
  }
}
