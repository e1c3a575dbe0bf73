// Journals of code runs as JSON text: written once by the release whose number their folder bears, and never again.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import {
  DEFAULT_TENANT,
  fromJsonText,
  parseRunId,
  type CodeTask,
  type Failure,
  type JsonText,
  type Outcome,
} from "@millrace/protocol";
import { CodeHost, type AnyWorkflow } from "@millrace/sdk";
import { createClient } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { rebuild } from "../packages/engine/src/core/drive.ts";
import type { Entry } from "../packages/engine/src/core/entry.ts";
import { createRunState, toOperationKind } from "../packages/engine/src/core/state.ts";
import { aHead } from "../packages/engine/src/testkit/builders.ts";
import { GOLDEN_CHILDREN, type GoldenProgram } from "./golden-programs.ts";

type GoldenRun = Pick<
  CodeTask,
  "runId" | "workflow" | "version" | "input" | "metadata" | "createdAt"
>;

export interface GoldenJournal {
  readonly run: GoldenRun;
  readonly journal: readonly Entry[];
  readonly end: Outcome;
}

export interface StoredJournal extends GoldenJournal {
  /** `0.1.0/steps`. */
  readonly name: string;
  /** Of the program that wrote it. */
  readonly program: string;
}

const FOLDER = join(import.meta.dirname, "golden");

/** Of every release, oldest first. */
export function readGoldenJournals(): readonly StoredJournal[] {
  return globSync("*/*.json", { cwd: FOLDER })
    .toSorted()
    .map((file) => {
      // Written by `writeGoldenJournal`.
      const read = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as GoldenJournal;
      const program = basename(file, ".json");
      return { ...read, program, name: `${dirname(file)}/${program}` };
    });
}

/** @returns false: this release has written it already, and it stays as it is */
export async function writeGoldenJournal(
  release: string,
  program: GoldenProgram,
): Promise<boolean> {
  const file = join(FOLDER, release, `${program.name}.json`);
  if (existsSync(file)) return false;
  const golden = await runForJournal(program);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(golden, withoutStacks, 2)}\n`, { flag: "wx" });
  return true;
}

/** They name places on the machine that wrote them. */
const withoutStacks = (key: string, value: unknown): unknown =>
  key === "stack" ? undefined : value;

/** On a real engine, with a store in memory. */
async function runForJournal(program: GoldenProgram): Promise<GoldenJournal> {
  const storage = await createSqliteStorage({ memory: true });
  const engine = createEngine({ storage });
  await engine.start();
  const workflow = program.writtenBy ?? program.workflow;
  const worker = createWorker({ engine, workflows: [workflow, ...GOLDEN_CHILDREN] });
  await worker.start();
  try {
    const client = createClient({ engine });
    const run = await client.start(workflow.name, program.input);
    await program.play?.(client, run);
    await run.result().catch(() => undefined);
    const runId = parseRunId(run.id);
    if (runId === undefined) throw new Error(`${run.id} is no id of a run`);
    const found = await storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId });
    if (found === null || !("finished" in found)) throw new Error(`${program.name} has not ended`);
    const { input, createdAt, status, result } = found.finished;
    const { version } = workflow.settings;
    return {
      run: { runId, workflow: workflow.name, version, input, metadata: {}, createdAt },
      journal: found.journal,
      end: toOutcome(status, result),
    };
  } finally {
    await worker.stop();
    await engine.stop();
  }
}

function toOutcome(status: "completed" | "failed" | "cancelled", result: JsonText | null): Outcome {
  if (status === "cancelled" || result === null) return { status: "cancelled" };
  if (status === "completed") return { status, output: result };
  // A run that failed has its failure there.
  return { status, failure: fromJsonText(result) as unknown as Failure };
}

/** What a host has said of a journal. */
export interface Replayed {
  /** `key@position`, of what it wants to be done, or to go on. */
  readonly asked: readonly string[];
  /** null: it waits. */
  readonly end: Outcome | null;
  readonly divergence: { readonly step: string | null; readonly message: string } | null;
  /** Sequence of the last settlement it was told. */
  readonly told: number;
}

/**
 * Opens the run at a host as an owner does that has just taken it. Bodies are not run.
 *
 * @param length how much of the journal there is; default: all of it
 */
export function replayJournal(
  workflow: AnyWorkflow,
  { run, journal }: GoldenJournal,
  length: number = journal.length,
): Promise<Replayed> {
  const head = { id: run.runId, input: run.input, createdAt: run.createdAt };
  const state = createRunState(aHead(head), undefined, true);
  const settled = rebuild(state, journal.slice(0, length));
  const told = Math.max(0, settled.at(-1)?.sequence ?? 0, state.stop?.sequence ?? 0);
  const open = Array.from(state.open, (operation) => ({
    key: operation.key,
    position: operation.position,
    kind: toOperationKind(operation),
  }));
  const task: CodeTask = {
    ...run,
    tenant: DEFAULT_TENANT,
    workspace: null,
    user: null,
    residence: 2,
    settled,
    open,
    stop: state.stop,
  };
  const { promise, resolve } = Promise.withResolvers<Replayed>();
  const asked: string[] = [];
  const host = new CodeHost({
    workflows: [workflow],
    report: (reports) => {
      for (const report of reports) {
        const { type } = report;
        if (type === "diverged") {
          const { step, message } = report;
          resolve({ asked, end: null, divergence: { step, message }, told });
        } else if (type === "idle" && report.sequence >= told) {
          resolve({ asked, end: null, divergence: null, told });
        } else if (type === "asked") {
          for (const request of report.requests) {
            if (request.kind === "end")
              resolve({ asked, end: request.outcome, divergence: null, told });
            else asked.push(`${request.key}@${report.position}`);
          }
        }
      }
    },
  });
  host.handle([{ type: "open", session: "golden", task }]);
  return promise.finally(() => host.close());
}
