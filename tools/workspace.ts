import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The repository's root. */
export const ROOT: string = dirname(import.meta.dirname);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  /** A text is a file that is no module. */
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Package {
  /** Name of the folder below `packages`. */
  readonly folder: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** Reads every package of the workspace; each comes after those that it depends on. */
export function readPackages(root: string): readonly Package[] {
  const packages = globSync("packages/*/package.json", { cwd: root })
    .toSorted()
    .map((file) => toPackage(join(root, dirname(file))));
  const byName = new Map(packages.map((one) => [one.manifest.name, one]));
  const ordered = new Set<Package>();
  const visit = (one: Package): void => {
    for (const name of Object.keys(one.manifest.dependencies ?? {})) {
      const needed = byName.get(name);
      if (needed !== undefined && !ordered.has(needed)) visit(needed);
    }
    ordered.add(one);
  };
  packages.forEach(visit);
  return [...ordered];
}

function toPackage(path: string): Package {
  const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
  return { folder: path.slice(dirname(path).length + 1), path, manifest };
}
