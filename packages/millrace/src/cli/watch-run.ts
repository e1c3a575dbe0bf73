// `millrace runs watch <id>`: until the run has ended, drawn again and again at a terminal, a line for each change
// elsewhere.
import type { RunView } from "../doors/rest/run-view.ts";
import type { Client } from "./client.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followRun, isOver } from "./follow-run.ts";
import { plain, styleOf, type Io } from "./io.ts";
import { printJson } from "./speaking-command.ts";
import { drawRun } from "./timeline.ts";

export async function watchRun(
  client: Client,
  io: Io,
  id: string,
  isJson: boolean,
): Promise<ExitCode> {
  const onChange = createLiveView(io);
  const run = await followRun(client, id, isJson ? {} : { onChange });
  if (isJson) printJson(io, run);
  return run.status === "completed" ? EXIT.done : EXIT.failed;
}

function createLiveView(io: Io): (run: RunView) => void {
  let drawnRows = 0;
  const told = new Map<string, string>();
  return (run) => {
    const terminal = io.terminal();
    const lines = drawRun(run, { ...styleOf(io), nowMs: Date.now() });
    // What has scrolled away cannot be drawn over.
    if (terminal !== null && lines.length < terminal.rows) {
      const back = drawnRows === 0 ? "" : `\u001b[${drawnRows}A\u001b[J`;
      drawnRows = lines.length;
      io.out(`${back}${lines.join("\n")}\n`);
    } else if (isOver(run)) io.out(`${lines.join("\n")}\n`);
    else tellChanges(run, told, io);
  };
}

function tellChanges(run: RunView, told: Map<string, string>, io: Io): void {
  const states = [
    ["", run.status],
    ...run.steps.map((step) => [step.id, step.status] as const),
  ] as const;
  for (const [step, status] of states) {
    if (told.get(step) === status || (status === "pending" && !told.has(step))) continue;
    told.set(step, status);
    io.out(`${step === "" ? run.id : plain(step)} ${status}\n`);
  }
}
