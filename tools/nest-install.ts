// The example application of Nest as a stranger would have it: in a folder of its own, on the packages as they are
// published, which it names by its alias; built by the compiler with ordinary settings, and started as it was built.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collect, readTranscript } from "./run.ts";
import { ROOT } from "./workspace.ts";

const EXAMPLE = join(ROOT, "examples", "nestjs-orders");
const STEP_LIMIT_MS = 60_000;
const INSTALL_LIMIT_MS = 300_000;

export interface NestInstall {
  /** An empty folder. */
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
  /** By the package's name. */
  readonly tarballs: ReadonlyMap<string, string>;
}

/** @throws {Error} with what a tool or the application printed */
export async function runNestExample({ project, env, tarballs }: NestInstall): Promise<void> {
  mkdirSync(project, { recursive: true });
  cpSync(join(EXAMPLE, "src"), join(project, "src"), { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify(toManifest(tarballs), null, 2));
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(SETTINGS, null, 2));
  const inProject = (command: string, args: readonly string[], limitMs = STEP_LIMIT_MS) =>
    collect({ command, args, cwd: project, env, limitMs });
  await inProject("npm", ["install", "--no-audit", "--no-fund"], INSTALL_LIMIT_MS);
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await inProject(process.execPath, [compiler, "-p", "."]);
  const status = await startAndPost(project, env);
  if (status !== 201) throw new Error(`the Nest example answered its first request with ${status}`);
  console.log(
    "examples/nestjs-orders: built and started; a request started a run, and SIGTERM ended it",
  );
}

const SETTINGS = {
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules", "@types")],
    strict: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    rewriteRelativeImportExtensions: true,
    rootDir: "src",
    outDir: "dist",
  },
  include: ["src"],
};

/** What the example needs, with tarballs in place of versions that may not be published yet. */
function toManifest(tarballs: NestInstall["tarballs"]): object {
  const { dependencies } = JSON.parse(readFileSync(join(EXAMPLE, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const fileOf = (name: string): string => `file:${tarballs.get(name) ?? name}`;
  const own = [...tarballs.keys()].filter((name) => name in dependencies);
  return {
    private: true,
    type: "module",
    dependencies: {
      ...dependencies,
      ...Object.fromEntries(own.map((name) => [name, fileOf(name)])),
      "@loopstack/core": fileOf("@millrace/nestjs"),
    },
    overrides: Object.fromEntries(
      [...tarballs.keys()]
        .filter((name) => !own.includes(name))
        .map((name) => [name, fileOf(name)]),
    ),
  };
}

/** @returns the status of the answer */
async function startAndPost(project: string, env: NodeJS.ProcessEnv): Promise<number> {
  const app = spawn(process.execPath, ["dist/main.js"], {
    cwd: project,
    env: { ...env, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const transcript = readTranscript(app);
  const closed = once(app, "close");
  const guard = setTimeout(() => app.kill("SIGKILL"), STEP_LIMIT_MS);
  const answers: Promise<number>[] = [];
  app.stdout.on("data", () => {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(transcript.out()) ?? [];
    if (url === undefined || answers.length > 0) return;
    const answer = post(`${url}/run-my-workflow`);
    answers.push(answer);
    void answer.catch(() => undefined).finally(() => app.kill("SIGTERM"));
  });
  const [, signal] = (await closed) as [number | null, string | null];
  clearTimeout(guard);
  if (signal === "SIGKILL") throw new Error(`the Nest example hung:\n${transcript.all()}`);
  const [answer] = answers;
  if (answer === undefined) throw new Error(`the Nest example did not start:\n${transcript.all()}`);
  return answer;
}

async function post(url: string): Promise<number> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: '{"total":5}' });
  await answer.body?.cancel();
  return answer.status;
}
