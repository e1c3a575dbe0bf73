// The last word of `verify`: what a user gets. Packs every package, looks into the tarballs, installs them into an
// empty folder as a stranger would, checks types and imports of every entry, runs the command, and, where there are
// examples, starts the server on them and waits for a finished run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { runNestExample } from "./nest-install.ts";
import { runReadOnly } from "./read-only-install.ts";
import { collect, readTranscript, type Transcript } from "./run.ts";
import { readPackages, ROOT, type Package } from "./workspace.ts";

/** Hang guards, not expectations: each is many times what the step takes. */
const STEP_LIMIT_MS = 60_000;
const INSTALL_LIMIT_MS = 300_000;
const READY = "http://127.0.0.1:";
const FINISHED = "completed";
/** How this machine reaches its registry; a stranger would have set it for theirs. */
const NETWORK =
  /^(npm_config_(userconfig|globalconfig|cache|registry|cafile)|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|\w+_PROXY)$/i;

interface Tarball {
  readonly package: Package;
  readonly file: string;
}

const place = mkdtempSync(join(tmpdir(), "millrace-packed-"));
const project = join(place, "project");
const env = toStrangersEnv();
try {
  mkdirSync(project);
  const tarballs: Tarball[] = [];
  for (const one of readPackages(ROOT)) {
    if (one.manifest.private !== true) tarballs.push(await pack(one));
  }
  if (tarballs.length === 0) throw new Error("saw no package to pack");
  await install(tarballs);
  await checkEntries(tarballs);
  const version = (await inProject("npx", ["--no-install", "millrace", "--version"])).trim();
  const wanted = tarballs.find((it) => it.package.manifest.name === "millrace")?.package.manifest;
  if (version !== wanted?.version) throw new Error(`millrace --version printed "${version}"`);
  console.log(`millrace --version: ${version}`);
  if (existsSync(join(ROOT, "examples"))) await runExamples();
  const files = new Map(tarballs.map((it) => [it.package.manifest.name, it.file]));
  await runNestExample({ project: join(place, "nest"), env, tarballs: files });
  await runReadOnly(project);
} finally {
  rmSync(place, { recursive: true, force: true });
}

/** An environment without ours: an empty home, this Node, and no tool of this repository on the path. */
function toStrangersEnv(): NodeJS.ProcessEnv {
  const home = join(place, "home");
  mkdirSync(home);
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((it) => !it.includes("node_modules"));
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name))),
    HOME: home,
    PATH: [dirname(process.execPath), ...path].join(delimiter),
  };
}

function inProject(
  command: string,
  args: readonly string[],
  limitMs = STEP_LIMIT_MS,
): Promise<string> {
  return collect({ command, args, cwd: project, env, limitMs });
}

async function pack(one: Package): Promise<Tarball> {
  const printed = await collect({
    command: "npm",
    args: ["pack", "--json", "--pack-destination", place],
    cwd: one.path,
    env,
    limitMs: STEP_LIMIT_MS,
  });
  const [packed] = JSON.parse(printed) as readonly [PackResult];
  const files = packed.files.map((it) => it.path);
  const { exports = {}, bin = {} } = one.manifest;
  const promised = [
    ...Object.values(exports).flatMap((it) =>
      typeof it === "string" ? [it] : [it["types"], it["default"]],
    ),
    ...Object.values(bin),
    "./LICENSE",
  ];
  const missing = promised.filter((it) => it === undefined || !files.includes(it.slice(2)));
  if (missing.length > 0) throw new Error(`${packed.filename} lacks ${missing.join(", ")}`);
  const surplus = files.filter((it) => /^src\/|\.test\b|\.test-d\b|\.suite\b|tsbuildinfo/.test(it));
  if (surplus.length > 0) throw new Error(`${packed.filename} has ${surplus.join(", ")}`);
  console.log(`${packed.filename}: ${files.length} files, ${packed.size} bytes`);
  return { package: one, file: join(place, packed.filename) };
}

interface PackResult {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

async function install(tarballs: readonly Tarball[]): Promise<void> {
  const dependencies = tarballs.map((it) => [it.package.manifest.name, `file:${it.file}`] as const);
  // Among themselves they name a version, which may not be published yet: they shall mean the tarballs too.
  const overrides = dependencies.map(([name]) => [name, `$${name}`] as const);
  const manifest = {
    private: true,
    type: "module",
    dependencies: Object.fromEntries(dependencies),
    overrides: Object.fromEntries(overrides),
  };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  await inProject("npm", ["install", "--no-audit", "--no-fund"], INSTALL_LIMIT_MS);
}

/** Every entry loads, and a user's compiler is content with its types, without `skipLibCheck`. */
async function checkEntries(tarballs: readonly Tarball[]): Promise<void> {
  const entries = tarballs.flatMap(({ package: { manifest } }) =>
    Object.entries(manifest.exports ?? {}).flatMap(([entry, exported]) =>
      typeof exported === "string" ? [] : [manifest.name + entry.slice(1)],
    ),
  );
  const imports = entries.map((entry, at) => `import * as entry${at} from "${entry}";`);
  const uses = entries.map((_, at) => `console.log(Object.keys(entry${at}).length);`);
  writeFileSync(join(project, "entries.ts"), [...imports, ...uses, ""].join("\n"));
  const settings = {
    compilerOptions: {
      strict: true,
      module: "nodenext",
      target: "es2024",
      // Some of what we build on speaks of sockets in the browser's words.
      lib: ["es2024", "esnext.disposable", "dom"],
      noEmit: true,
      skipLibCheck: false,
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules", "@types")],
    },
    files: ["entries.ts"],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(settings, null, 2));
  await inProject(process.execPath, ["entries.ts"]);
  await inProject(process.execPath, [
    join(ROOT, "node_modules", "typescript", "bin", "tsc"),
    "-p",
    ".",
  ]);
  console.log(`${entries.length} entries load, and their types hold`);
}

/** Starts the server on the examples, waits for an example to finish, and stops it as an operator would. */
async function runExamples(): Promise<void> {
  // What was built here is not what strangers have.
  cpSync(join(ROOT, "examples"), join(project, "examples"), {
    recursive: true,
    filter: (path) => !/\/(dist|node_modules)$/.test(path),
  });
  const args = ["start", "--examples", "./examples", "--port", "0", "--data", "./data"];
  const child = spawn(join(project, "node_modules", ".bin", "millrace"), args, {
    cwd: project,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const transcript = readTranscript(child);
  const closed = once(child, "close");
  const guard = setTimeout(() => child.kill("SIGKILL"), STEP_LIMIT_MS);
  const clients: Promise<string>[] = [];
  child.stdout.on("data", () => {
    // Once: a second signal means "at once" to a server that drains.
    if (clients.length > 0 || !hasShown(transcript)) return;
    const client = startByClient(transcript.out());
    clients.push(client);
    void client.catch(() => undefined).finally(() => child.kill("SIGTERM"));
  });
  const [code, signal] = (await closed) as [number | null, string | null];
  clearTimeout(guard);
  if (code === 0 && hasShown(transcript)) {
    for (const printed of await Promise.all(clients)) {
      console.log(`@millrace/sdk/client: ${printed.trim()}`);
    }
    console.log("millrace start --examples: an example completed, and SIGTERM ended it with 0");
    return;
  }
  const how =
    signal === "SIGKILL" ? `hung for ${STEP_LIMIT_MS} ms` : `ended with ${code ?? signal}`;
  throw new Error(`millrace start --examples ${how}:\n${transcript.all()}`);
}

/** As a stranger's program: starts a run at the server and waits for its result. @returns what it printed */
function startByClient(shown: string): Promise<string> {
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(shown) ?? [];
  const program = `
    import { createClient } from "@millrace/sdk/client";
    import { readFileSync } from "node:fs";

    const key = readFileSync("data/dev-key", "utf8").trim();
    const client = createClient({ url: ${JSON.stringify(url)}, key });
    const input = JSON.parse(readFileSync("examples/order/input.json", "utf8"));
    const run = await client.start("wf_order", input);
    console.log(\`started a run, which gave \${(await run.result()).orderId}\`);
    await client.close();
  `;
  writeFileSync(join(project, "client.js"), program);
  return inProject(process.execPath, ["client.js"]);
}

function hasShown(transcript: Transcript): boolean {
  return transcript.out().includes(READY) && transcript.out().includes(FINISHED);
}
