import { fileURLToPath } from "node:url";
import { createLog } from "millrace";
import { createInlineCode } from "../../packages/millrace/src/code/inline-code.ts";
import { startIsolatedCode } from "../../packages/millrace/src/code/isolated-code.ts";
import { loadCode } from "../../packages/millrace/src/code/load-code.ts";
import type { HostedCode } from "../../packages/millrace/src/code/hosted-code.ts";
import { openEngine } from "../engine/open-engine.ts";
import { startAndWait } from "../engine/start-and-wait.ts";
import type { Place } from "../engine/store.ts";
import { runClosedLoop, type ClosedLoopReport } from "../load/closed-loop.ts";

export interface CodeOrder {
  readonly place: Place;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** 0: in the engine's process. */
  readonly processCount: number;
}

const FILES = [fileURLToPath(new URL("../code/three-steps.ts", import.meta.url))];

/** As many callers as shall be in flight; each starts a run of a code workflow, waits for its result, and starts the next. */
export async function code(order: CodeOrder): Promise<ClosedLoopReport> {
  const { place, processCount, ...load } = order;
  await using opened = await openEngine({ place });
  await using hosted = await hostCode(processCount);
  const { engine } = opened;
  await hosted.attach(engine);
  return await runClosedLoop({
    ...load,
    call: (n) => startAndWait(engine, "three-steps", n),
  });
}

async function hostCode(processCount: number): Promise<HostedCode> {
  if (processCount === 0) return createInlineCode(await loadCode(FILES));
  const log = createLog({ level: "warn", write: (line) => process.stderr.write(line) });
  const env = { PATH: process.env["PATH"] ?? "" };
  return startIsolatedCode({ files: FILES, processCount, memoryMib: null, env, log });
}
