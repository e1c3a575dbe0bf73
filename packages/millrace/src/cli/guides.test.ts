// The guides about starting runs and what follows: their workflows are stored, and their shell commands run, one after the
// other, against a server of this test.
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { readFences, readPage, type Fence } from "../../../../tools/testkit/read-docs.ts";
import { readGuide } from "../../../../tools/testkit/read-guide.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";
import { slugOf } from "@millrace/protocol";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

interface World extends AsyncDisposable {
  /** Runs a page's commands where its files are. @returns what they print */
  shell(script: string): Promise<string>;
  /** Stores the page's workflows as files, and runs each as the page says. @returns the outputs */
  runWorkflows(page: string): Promise<readonly unknown[]>;
}

async function openWorld(): Promise<World> {
  const folder = await plantFolder({});
  const server = createTestIo({ cwd: folder.path });
  const ended = runCommandLine(["start", "--port", "0", "--json"], server);
  await server.untilOut("\n");
  const { url } = JSON.parse(server.outText()) as { url: string };
  const key = (await readFile(join(folder.path, ".millrace", "dev-key"), "utf8")).trim();
  await mkdir(join(folder.path, "bin"));
  const npx = join(folder.path, "bin", "npx");
  const call = `"${process.execPath}" --conditions=source "${MAIN}"`;
  await writeFile(npx, `#!/bin/sh\n[ "$1" = millrace ] && shift && exec ${call} "$@"\n`);
  await chmod(npx, 0o755);
  const env: Record<string, string | undefined> = {
    ...process.env,
    PATH: `${join(folder.path, "bin")}:${process.env["PATH"] ?? ""}`,
    HOME: folder.path,
    KEY: key,
    MILLRACE_SERVER: url,
  };
  const shell = async (script: string): Promise<string> => {
    const text = script.replaceAll("http://127.0.0.1:3000", url);
    const args = ["-e", "-o", "pipefail", "-c", text];
    return (await run("bash", args, { cwd: folder.path, env })).stdout;
  };
  return {
    shell,
    runWorkflows: async (page) => {
      const outputs: unknown[] = [];
      for (const { workflow, definition, expected } of readGuide([page])) {
        const slug = slugOf(workflow);
        await writeFile(join(folder.path, `${slug}.json`), JSON.stringify(definition));
        await shell(`npx millrace workflows apply ${slug}.json --activate`);
        const input = `--input '${JSON.stringify(expected.input)}'`;
        const ran = JSON.parse(await shell(`npx millrace run ${slug} ${input} --wait --json`)) as {
          id: string;
          output: unknown;
        };
        env["RUN"] = ran.id;
        outputs.push([ran.output, expected.output]);
      }
      return outputs;
    },
    [Symbol.asyncDispose]: async () => {
      server.stop();
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

const shellFences = (page: string): readonly Fence[] =>
  readFences(readPage(page)).filter(({ language }) => language === "sh");

/** What no command of a guide should be told. */
const MISTAKES = /"reason":"(workflow\.not-found|request\.unauthorized|internal[^"]*)"/;

describe("the guides", { timeout: 60_000 }, () => {
  test.for([
    [
      "start-runs",
      /"created":2,"existing":0,"conflict":0,"rejected":1[^]*2 created\n2 completed\n/,
    ],
    ["wait-for-results", /"output":"MINT"[^]*event: run\.completed/],
    ["idempotency", /HTTP\/1\.1 201[^]*"reason":"idempotency\.mismatch"/],
    [
      "events-and-signals",
      /"id":"payment-1001","runIds":\[\][^]*Nobody waits for it\.\n[^]*"runIds":\["run_\w+"\][^]*run_\w+ has it\n/,
    ],
    ["errors", /"hint":"Did you mean \\"limit\\"\?"[^]*exit code 1/],
    ["limits", /x-ratelimit-remaining: \d+[^]*mr_\w+\nmr_\w+\n$/i],
  ] as const)("%s: its workflows and commands do what it says", async ([name, expected]) => {
    await using world = await openWorld();
    const page = `docs/learning/${name}.md`;
    for (const [output, said] of (await world.runWorkflows(page)) as [unknown, unknown][]) {
      expect(output).toEqual(said);
    }
    const printed: string[] = [];
    for (const { text } of shellFences(page)) printed.push(await world.shell(text));
    expect(printed.join("")).toMatch(expected);
    expect(printed.join("")).not.toMatch(MISTAKES);
  });
});
