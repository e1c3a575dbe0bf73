// What `millrace start` shows to a person.
import type { Mode } from "../mode.ts";
import { VERSION } from "../version.ts";
import { devKeyFile, type DevKey } from "./dev-key.ts";
import type { Style } from "./io.ts";
import type { ShownExample } from "./run-example.ts";
import { drawRun } from "./timeline.ts";

/** @param store where the data is: a folder, or a database's address without its password */
export function drawTitle(mode: Mode, store: string, { paint }: Style): string {
  const where = mode === "development" ? ", for this machine only" : "";
  return `${paint("bold", `Millrace ${VERSION}`)} in ${mode} mode${where}\n${paint("dim", `data in ${store}`)}`;
}

export interface Ready {
  readonly url: string;
  readonly data: string;
  /** Flags by which the other commands find this server; empty: none are needed. */
  readonly clientFlags: string;
  readonly devKey: DevKey;
  /** Files of examples whose workflow is stored in another form. */
  readonly differing: readonly string[];
  readonly example: ShownExample | null;
}

export function drawReady(ready: Ready, style: Style): string {
  const { paint } = style;
  const { url, data, clientFlags, devKey, differing, example } = ready;
  const lines = ["", ...drawExample(example, style)];
  for (const file of differing) {
    lines.push(
      paint("yellow", `${file} was changed since its workflow was stored; the stored one stays.`),
      paint("yellow", "To begin anew, start with another --data folder."),
      "",
    );
  }
  const keys = { here: `$(cat ${quote(devKeyFile(data))})`, elsewhere: "$MILLRACE_KEY" };
  const key = devKey === "none" ? "$MILLRACE_ADMIN_KEY" : keys[devKey];
  lines.push(`${paint("bold", "Serving")} ${paint("cyan", `${url}/api/v1`)}`);
  if (devKey === "here") lines.push(`${paint("bold", "Key")}     ${devKeyFile(data)}`);
  lines.push("", ...drawCurl(url, key, example), "");
  lines.push(`See all runs: npx millrace runs list${clientFlags}`);
  lines.push(paint("dim", "Ctrl-C stops the server."));
  return lines.join("\n");
}

function drawExample(example: ShownExample | null, style: Style): readonly string[] {
  if (example === null) return [];
  const { name, run, isRepeated } = example;
  const when = isRepeated ? ", as it ran at an earlier start" : "";
  const title = style.paint("bold", `Example "${name}"${when}`);
  return [title, "", ...drawRun(run, { ...style, nowMs: Date.now() }), ""];
}

function drawCurl(url: string, key: string, example: ShownExample | null): readonly string[] {
  const auth = `-H "x-api-key: ${key}"`;
  if (example === null) {
    return ["Ask it for its workflows:", "", `curl ${url}/api/v1/workflows \\`, `  ${auth}`];
  }
  const body = JSON.stringify({ input: example.run.input });
  return [
    "Run it yourself:",
    "",
    `curl -X POST "${url}/api/v1/workflows/${example.workflow.id}/run?wait=30" \\`,
    `  ${auth} \\`,
    `  -d ${quote(body)}`,
  ];
}

/** For a shell: unchanged where nothing in it has a meaning, else in single quotes. */
export const quote = (text: string): string =>
  /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
