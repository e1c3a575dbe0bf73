import { readFileSync } from "node:fs";

/** Version of this package. The file lies one folder above both `src` and `dist`. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  // Our own file, published with us.
  return (JSON.parse(text) as { readonly version: string }).version;
}
