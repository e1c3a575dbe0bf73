// `millrace workflows …`: definitions in files become workflows of a server, and are switched on and off.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import type { VersionSummaryView, WorkflowView } from "../doors/rest/workflow-view.ts";
import { apply, findWorkflow, toPath, validate } from "./apply-workflows.ts";
import { drawChanges } from "./draw-changes.ts";
import { formatAgo, formatInstant } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf, type Color } from "./io.ts";
import { compareJson } from "./json-diff.ts";
import { addPageFlags, showList } from "./list-command.ts";
import {
  addGroup,
  addSpeaking,
  printJson,
  printLines,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";
import { addressOf, readWorkflowFiles, toDefinition } from "./workflow-files.ts";

export function addWorkflows(program: Command, line: CommandLine): void {
  const group = addGroup(program, "workflows", "store workflows, and switch them on and off");
  addSpeaking(group, "apply <files...>", "create or update workflows from files or folders")
    .option("--activate", "let them run, too")
    .action(speaking(line, apply));
  addSpeaking(group, "validate <files...>", "check files, and store nothing").action(
    speaking(line, validate),
  );
  addSpeaking(group, "diff <file>", "compare a file with the stored workflow")
    .option("--exit-code", "exit 1 if they differ")
    .action(speaking(line, diff));
  addPageFlags(addSpeaking(group, "list", "list workflows"))
    .option("--status <status>", "only those that are draft, active, paused or archived")
    .option("--search <text>", "only those with this in their name")
    .action(speaking(line, list));
  addSpeaking(group, "get <workflow>", "print one as JSON, by its id or slug").action(
    speaking(line, get),
  );
  addPageFlags(addSpeaking(group, "versions <workflow>", "list what it was, newest first")).action(
    speaking(line, versions),
  );
  addLifecycle(group, line);
}

const VERBS = [
  ["activate", "let it run", "activated"],
  ["pause", "start no more runs; those that run go on", "paused"],
  ["resume", "let a paused one run again", "resumed"],
  ["archive", "put it away for good; its runs stay", "archived"],
] as const;

function addLifecycle(group: Command, line: CommandLine): void {
  for (const [verb, description, done] of VERBS) {
    const work = async (call: Call, workflow: string): Promise<ExitCode> => {
      const { client, io, isJson } = call;
      const path = toPath(workflow);
      const { data } =
        verb === "archive"
          ? await client.delete<WorkflowView>(path)
          : await client.post<WorkflowView>(`${path}/${verb}`, {});
      if (isJson) printJson(io, data);
      else io.out(`${plain(data.id ?? workflow)} ${done}\n`);
      return EXIT.done;
    };
    addSpeaking(group, `${verb} <workflow>`, description).action(speaking(line, work));
  }
}

const STATUS_COLORS: Readonly<Record<string, Color>> = {
  active: "green",
  paused: "yellow",
  archived: "dim",
};

const list = (call: Call): Promise<ExitCode> =>
  showList<WorkflowView>(call, {
    path: "/api/v1/workflows",
    query: { status: textFlag(call.flags, "status"), search: textFlag(call.flags, "search") },
    name: "workflows",
    command: "millrace workflows list",
    columns: [
      { title: "id", show: ({ id }) => id },
      { title: "slug", show: ({ slug }) => slug, shrinks: true },
      {
        title: "status",
        show: ({ status }) => status,
        color: ({ status }) => STATUS_COLORS[status] ?? null,
      },
      { title: "version", show: ({ version }) => String(version), align: "right" },
      {
        title: "changed",
        show: ({ updatedAt }) => formatAgo(Date.now() - Date.parse(updatedAt)),
        align: "right",
      },
    ],
    empty: "No such workflows. Store one with: npx millrace workflows apply <file> --activate",
  });

async function get({ client, io }: Call, workflow: string): Promise<ExitCode> {
  printJson(io, (await client.get<WorkflowView>(toPath(workflow))).data);
  return EXIT.done;
}

const versions = (call: Call, workflow: string): Promise<ExitCode> =>
  showList<VersionSummaryView>(call, {
    path: `${toPath(workflow)}/versions`,
    name: "versions",
    command: `millrace workflows versions ${workflow}`,
    columns: [
      { title: "version", show: ({ version }) => String(version), align: "right" },
      { title: "made", show: ({ createdAt }) => formatInstant(createdAt) },
      { title: "name", show: ({ name }) => name, shrinks: true },
      { title: "summary", show: ({ changeSummary }) => changeSummary ?? "", shrinks: true },
    ],
    empty: "It has no versions.",
  });

async function diff({ client, io, flags, isJson }: Call, file: string): Promise<ExitCode> {
  const [read] = await readWorkflowFiles([file], io);
  if (read === undefined || "mistakes" in read) {
    const [mistake] = read?.mistakes ?? [];
    throw new MillraceError("option.invalid", `${file} ${mistake?.message ?? "is empty"}.`);
  }
  const address = addressOf(read);
  const stored = await findWorkflow(client, address);
  const before = stored === null ? null : toDefinition(stored.body);
  const changes = compareJson(before, toDefinition(read.body));
  const version = stored?.view.version ?? null;
  if (isJson) printJson(io, { workflow: stored?.view.id ?? null, version, changes });
  else if (stored === null) {
    io.out(`The server has no workflow ${plain(address)}: applying ${plain(file)} creates it.\n`);
  } else if (changes.length === 0) {
    io.out(`${plain(file)} is what ${plain(stored.view.id)} version ${String(version)} is.\n`);
  } else {
    const head = `${plain(stored.view.id)} version ${String(version)} → ${plain(file)}`;
    const style = styleOf(io);
    printLines(io, [style.paint("bold", head), ...drawChanges(changes, style)]);
  }
  return flags["exitCode"] === true && changes.length > 0 ? EXIT.failed : EXIT.done;
}
