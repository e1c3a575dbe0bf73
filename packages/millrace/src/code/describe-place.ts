import { pathToFileURL } from "node:url";

/** Node shows text that is no TypeScript above the error, with file and line. */
const SHOWN = /^(\/.+):(\d+)\n/;
/** A frame in code that is neither Node's nor a library's. */
const FRAME = /^ +at (?:.+ \()?(?:file:\/\/)?(\/(?!.*\/node_modules\/).+?):(\d+):\d+\)?$/m;

/**
 * Where the author of a module looks when it could not be loaded: ` (line 3)`, or ` (line 3 of /other/file.ts)`.
 * Empty: the error does not say.
 */
export function describePlace(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const [, path, line] = SHOWN.exec(stack) ?? FRAME.exec(stack) ?? [];
  if (path === undefined || line === undefined) return "";
  const isSame = path === file || path === pathToFileURL(file).pathname;
  return isSame ? ` (line ${line})` : ` (line ${line} of ${path})`;
}
