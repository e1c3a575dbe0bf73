// `millrace workers list`: who executes code for this server from elsewhere.
import type { Command } from "commander";
import type { WorkerView } from "../doors/rest/worker-view.ts";
import { formatInstant } from "./durations.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addPageFlags, showList } from "./list-command.ts";
import {
  addGroup,
  addSpeaking,
  speaking,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

export function addWorkers(program: Command, line: CommandLine): void {
  const group = addGroup(program, "workers", "processes elsewhere that execute code");
  addPageFlags(addSpeaking(group, "list", "list attached workers")).action(speaking(line, list));
}

const list = (call: Call): Promise<ExitCode> =>
  showList<WorkerView>(call, {
    path: "/api/v1/workers",
    name: "workers",
    command: "millrace workers list",
    columns: [
      { title: "name", show: ({ name }) => name, shrinks: true },
      { title: "status", show: ({ status }) => status },
      { title: "used", show: ({ slots }) => `${slots.used}/${slots.used + slots.free}` },
      { title: "since", show: ({ since }) => formatInstant(since) },
      { title: "executes", show: describeCode, shrinks: true },
    ],
    empty: "No workers are attached. One attaches with createWorker of @millrace/sdk/worker.",
  });

const describeCode = ({ workflows, functions }: WorkerView): string =>
  [...workflows.map(({ name, version }) => `${name}@${version}`), ...functions].join(" ");
