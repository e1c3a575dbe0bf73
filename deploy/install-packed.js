// `node deploy/install-packed.js <folder>`: packs every package of this checkout, which is built, and installs the
// tarballs into the folder, with what they depend on. Plain JavaScript without dependencies: it runs in an image.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("node deploy/install-packed.js <folder>");
const root = dirname(import.meta.dirname);
const tarballs = mkdtempSync(join(tmpdir(), "millrace-tarballs-"));

/** @type {Record<string, string>} */
const dependencies = {};
for (const file of globSync("packages/*/package.json", { cwd: root }).toSorted()) {
  const path = join(root, dirname(file));
  const manifest = /** @type {{ name: string, private?: boolean }} */ (
    JSON.parse(readFileSync(join(root, file), "utf8"))
  );
  if (manifest.private === true) continue;
  const printed = npm(["pack", "--json", "--pack-destination", tarballs], path);
  const packed = /** @type {readonly { filename: string }[]} */ (JSON.parse(printed));
  dependencies[manifest.name] = `file:${join(tarballs, packed[0]?.filename ?? "")}`;
}
// Among themselves they name a version, which may not be published yet: they shall mean the tarballs, too.
const overrides = Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`]));
mkdirSync(target, { recursive: true });
const manifest = { private: true, type: "module", dependencies, overrides };
writeFileSync(join(target, "package.json"), JSON.stringify(manifest, null, 2));
npm(["install", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"], target);
rmSync(tarballs, { recursive: true });

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  return execFileSync("npm", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}
