import { asJsonText } from "@millrace/protocol";
import { toLoop } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { startAndWait } from "../engine/start-and-wait.ts";
import type { Place } from "../engine/store.ts";
import { medianOf } from "../median.ts";

export interface LoopOrder {
  readonly place: Place;
  readonly itemCount: number;
  readonly concurrency: number;
  readonly rounds: number;
}

/** Start to result of a run whose loop calls a function once for each item. */
export async function loop(
  { place, itemCount, concurrency, rounds }: LoopOrder,
  tell: (text: string) => void,
): Promise<{ readonly ms: number }> {
  const workflow = toLoop(concurrency);
  const items = asJsonText(
    JSON.stringify({ items: Array.from({ length: itemCount }, (_, n) => n) }),
  );
  await using opened = await openEngine({ place, functions: { same: (n: number) => n } });
  await installWorkflow(opened.engine, workflow);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    await startAndWait(opened.engine, workflow.id, items);
    times.push(performance.now() - from);
    tell(`loop ${round + 1} of ${rounds}`);
  }
  return { ms: medianOf(times) };
}
