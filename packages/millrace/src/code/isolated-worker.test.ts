// Real processes, and an engine that only notes what its worker does.
import {
  asJsonText,
  DEFAULT_TENANT,
  parseRunId,
  type HostCommand,
  type HostReport,
  type WorkerTransport,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createLog } from "../log.ts";
import { IsolatedWorker } from "./isolated-worker.ts";

const RUN = "run_01M7ZFXQ7ZEAG87WTYME44WWXC";

const aCall = (call: string, target: string): HostCommand => {
  const runId = parseRunId(RUN);
  if (runId === undefined) throw new Error("not the id of a run");
  const text = asJsonText("null");
  const at = { tenant: DEFAULT_TENANT, runId, step: "a", attempt: 1 };
  return { type: "call", call, task: { ...at, target, input: text, runInput: text } };
};

class NotedEngine {
  readonly events: string[] = [];
  readonly transport: WorkerTransport;
  send: (...commands: readonly HostCommand[]) => void = () => {};
  #look: () => void = () => {};

  constructor() {
    this.transport = {
      attach: async (_offer, receive) => {
        this.#note("attach");
        this.send = (...commands) => receive(commands);
        return {
          report: async (reports) => reports.forEach((report) => this.#note(toText(report))),
          drain: async () => {},
          close: async (suspects) => this.#note(`close ${JSON.stringify(suspects)}`),
        };
      },
    };
  }

  /** Resolves when that many things have happened. */
  async until(count: number): Promise<readonly string[]> {
    while (this.events.length < count) {
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
    return this.events;
  }

  #note(event: string): void {
    this.events.push(event);
    this.#look();
  }
}

const toText = (report: HostReport): string =>
  report.type === "called"
    ? `${report.call}: ${report.result.ok ? report.result.output : report.result.failure.code}`
    : report.type;

const FILES = {
  "package.json": `{ "type": "module" }`,
  "a.js": `export const one = () => 1;
           export const leave = () => process.exit(3);
           export const vanish = () => process.kill(process.pid, "SIGKILL");`,
};

async function withWorker(
  isAlone: boolean,
  use: (engine: NotedEngine) => Promise<void>,
): Promise<void> {
  await using folder = await plantFolder(FILES);
  const worker = new IsolatedWorker({
    name: "isolated-1",
    files: [`${folder.path}/a.js`],
    env: {},
    memoryMib: null,
    log: createLog({ level: "silent", write: () => {} }),
    isAlone: () => isAlone,
  });
  const engine = new NotedEngine();
  try {
    await worker.attach(engine.transport);
    await use(engine);
  } finally {
    await worker.close();
  }
}

describe("an isolated worker", { timeout: 30_000 }, () => {
  test("that is alone takes its next seat before it leaves the old one, and keeps what comes", () =>
    withWorker(true, async (engine) => {
      engine.send(aCall("1", "leave"));
      await engine.until(4);
      engine.send(aCall("2", "one"));
      expect(await engine.until(5)).toEqual([
        "attach",
        "1: step.process-ended",
        "attach",
        "close []",
        "2: 1",
      ]);
    }));

  test("that is not alone leaves its seat until its next process is there", () =>
    withWorker(false, async (engine) => {
      engine.send(aCall("1", "leave"));
      const events = await engine.until(4);
      expect(events.slice(2)).toEqual(["close []", "attach"]);
    }));

  test("does not know whose fault it was when its process vanishes", () =>
    withWorker(false, async (engine) => {
      engine.send(aCall("1", "vanish"));
      expect(await engine.until(3)).toEqual(["attach", "close undefined", "attach"]);
    }));
});
