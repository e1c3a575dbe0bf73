import { readFileSync } from "node:fs";

/** Who calls, unless the author says otherwise: `millrace/<version>`. */
export const USER_AGENT: string = `millrace/${readVersion()}`;

/** The file lies two folders above this one in both `src` and `dist`. */
function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  // Our own file, published with us.
  return (JSON.parse(text) as { readonly version: string }).version;
}
