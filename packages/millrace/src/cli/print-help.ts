// `node_modules/.bin/node --conditions=source packages/millrace/src/cli/print-help.ts` writes the help texts into
// docs/reference/cli.md anew, after a change of commands or flags.
import type { Command } from "commander";
import { readFileSync, writeFileSync } from "node:fs";
import { createProgram } from "./program.ts";

/** As wide as where there is no terminal. */
const COLUMNS = 80;

/** Help by command: `millrace`, `millrace runs`, `millrace runs get` …, in the order of the help. */
export function readHelps(): ReadonlyMap<string, string> {
  const nothing = (): void => {};
  const program = createProgram(
    {
      env: {},
      cwd: "/",
      fetch: () => Promise.reject(new Error("help speaks to nobody")),
      out: nothing,
      err: nothing,
      terminal: () => null,
      readInput: () => Promise.resolve(""),
      untilStopped: () => Promise.resolve(),
    },
    nothing,
  );
  const helps = new Map<string, string>();
  const read = (command: Command, path: string): void => {
    command.configureOutput({ getOutHelpWidth: () => COLUMNS });
    helps.set(path, command.helpInformation().trimEnd());
    for (const one of command.commands) read(one, `${path} ${one.name()}`);
  };
  read(program, "millrace");
  return helps;
}

/** The page with each help in the place of the one that it prints for the same command. */
function replaceHelps(page: string): string {
  const helps = readHelps();
  return page.replaceAll(
    /(?<=^```text\n)Usage: (millrace[a-z ]*?)(?= [[<])[^]*?(?=\n```$)/gm,
    (old, path) => helps.get(String(path)) ?? old,
  );
}

if (import.meta.main) {
  const file = new URL("../../../../docs/reference/cli.md", import.meta.url);
  writeFileSync(file, replaceHelps(readFileSync(file, "utf8")));
}
