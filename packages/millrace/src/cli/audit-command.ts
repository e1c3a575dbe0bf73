// `millrace audit`: who changed what, newest first.
import type { Command } from "commander";
import { formatInstant } from "./durations.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addPageFlags, showList } from "./list-command.ts";
import { sinceFlag } from "./since.ts";
import {
  addSpeaking,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

interface AuditView {
  readonly at: string;
  /** Id of the key; null: the server itself. */
  readonly key: string | null;
  readonly address: string | null;
  readonly action: string;
  readonly target: string;
}

export function addAudit(program: Command, line: CommandLine): void {
  addPageFlags(addSpeaking(program, "audit", "list who changed what, newest first"))
    .option("--action <action>", "only those of this kind, as key.create")
    .option("--by <id>", "only those by the key with this id")
    .option("--since <time>", "only those since then: 30m, 12h, 7d, or an instant")
    .action(speaking(line, audit));
}

const audit = (call: Call): Promise<ExitCode> =>
  showList<AuditView>(call, {
    path: "/api/v1/audit",
    query: {
      action: textFlag(call.flags, "action"),
      key: textFlag(call.flags, "by"),
      since: sinceFlag(call.flags),
    },
    name: "entries",
    command: "millrace audit",
    columns: [
      { title: "at", show: ({ at }) => formatInstant(at) },
      { title: "action", show: ({ action }) => action },
      { title: "target", show: ({ target }) => target, shrinks: true },
      { title: "key", show: ({ key }) => key ?? "–", shrinks: true },
      { title: "from", show: ({ address }) => address ?? "–", shrinks: true },
    ],
    empty: "No such changes.",
  });
