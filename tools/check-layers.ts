// Compares every import of every package with the drawing in `drawing.ts`. Test files may reach into any folder of
// their own package, but no further than their package may. It is red when it sees no files: a check that looks
// at nothing must not be green.

import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import {
  DRAWING,
  PORT_MODULES,
  PORT_OPENER,
  TEST_PORT_OPENER,
  type Layer,
  type PackageDrawing,
} from "./drawing.ts";
import { readImports, type Import } from "./read-imports.ts";
import { readPackages, ROOT, type Package } from "./workspace.ts";

export interface LayerReport {
  readonly fileCount: number;
  readonly importCount: number;
  /** One sentence each, beginning with the file. Empty: all is as drawn. */
  readonly findings: readonly string[];
}

interface Source {
  readonly package: Package;
  readonly drawing: PackageDrawing;
  /** Below `src`. */
  readonly path: string;
  readonly isTest: boolean;
}

export function checkLayers(root: string): LayerReport {
  const findings: string[] = [];
  let fileCount = 0;
  let importCount = 0;
  for (const one of readPackages(root)) {
    const drawing = DRAWING[one.manifest.name];
    if (drawing === undefined) {
      findings.push(`packages/${one.folder}: the package is not in the drawing`);
      continue;
    }
    const src = join(one.path, "src");
    const paths = globSync("**/*.{ts,tsx}", { cwd: src });
    if (paths.length === 0) findings.push(`packages/${one.folder}/src: saw no files`);
    for (const path of paths.toSorted()) {
      const source = { package: one, drawing, path, isTest: isTest(path) };
      const imports = readImports(path, readFileSync(join(src, path), "utf8"));
      fileCount += 1;
      importCount += imports.length;
      const wrong = [...checkPlace(source), ...imports.flatMap((it) => checkImport(source, it))];
      findings.push(...wrong.map((what) => `packages/${one.folder}/src/${path}: ${what}`));
    }
  }
  if (fileCount === 0) findings.push("packages: saw no files");
  return { fileCount, importCount, findings };
}

const isTest = (path: string): boolean => /\.(test|test-d)\.tsx?$/.test(path);

/** The layer with the longest path that holds the file. */
function findLayer(drawing: PackageDrawing, path: string): Layer | undefined {
  return drawing.layers
    .filter(
      (layer) => layer.path === "" || path === layer.path || path.startsWith(`${layer.path}/`),
    )
    .toSorted((a, b) => b.path.length - a.path.length)[0];
}

function checkPlace({ drawing, path, isTest: test }: Source): readonly string[] {
  if (test || findLayer(drawing, path) !== undefined) return [];
  return ["belongs to no layer of the drawing"];
}

function checkImport(source: Source, { specifier, isTypeOnly }: Import): readonly string[] {
  const { package: one, drawing, path, isTest: test } = source;
  const layer = findLayer(drawing, path);
  if (specifier.startsWith(".")) return checkInside(source, layer, specifier);
  const owner = toOwner(specifier);
  if (owner !== undefined && owner !== one.manifest.name && !drawing.packages.includes(owner)) {
    return [`may not import ${owner}`];
  }
  if (test || layer === undefined) return [];
  if (layer.isPure === true && isBuiltin(specifier))
    return [`is pure and may not import ${specifier}`];
  if (layer.avoids?.includes(specifier) === true) return [`may not import ${specifier}`];
  const opens = !isTypeOnly && PORT_MODULES.some((it) => isWithin(specifier, it));
  const mayOpen = [PORT_OPENER, TEST_PORT_OPENER].some(
    (it) => one.manifest.name === it.name && isWithin(path, it.path),
  );
  if (opens && !mayOpen) {
    return [
      `may not import ${specifier}: only ${PORT_OPENER.name}'s ${PORT_OPENER.path} opens a port`,
    ];
  }
  return [];
}

function checkInside(
  source: Source,
  layer: Layer | undefined,
  specifier: string,
): readonly string[] {
  const src = join(source.package.path, "src");
  const target = relative(src, join(src, dirname(source.path), specifier));
  if (target.startsWith("..")) {
    return source.isTest ? [] : [`reaches out of its package by ${specifier}`];
  }
  if (source.isTest || layer === undefined) return [];
  const other = findLayer(source.drawing, target);
  if (other === undefined || other === layer || layer.imports.includes(other.path)) return [];
  return [`${layer.path || "src"} may not import ${other.path || "src"} (${specifier})`];
}

/** The one of our packages that a specifier names. */
function toOwner(specifier: string): string | undefined {
  return Object.keys(DRAWING).find((name) => isWithin(specifier, name));
}

const isWithin = (specifier: string, name: string): boolean =>
  specifier === name || specifier.startsWith(`${name}/`);

if (import.meta.main) {
  const { fileCount, importCount, findings } = checkLayers(ROOT);
  for (const finding of findings) console.error(finding);
  console.log(
    `${importCount} imports in ${fileCount} files, ${findings.length} against the drawing`,
  );
  if (findings.length > 0) process.exitCode = 1;
}
