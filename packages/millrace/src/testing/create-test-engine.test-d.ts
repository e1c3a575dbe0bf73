import type { JsonValue, WorkflowRef } from "@millrace/protocol";
import type { Client } from "@millrace/sdk/client";
import type { JsonWorkflow, Stubs, TestEngine, TestRun } from "./index.ts";

declare const engine: TestEngine;
declare const greet: WorkflowRef<{ name: string }, { text: string }>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

export async function typed(): Promise<void> {
  const run = await engine.start(greet, { name: "Ada" });
  void (true satisfies Same<typeof run, TestRun<{ text: string }>>);
  const output = await run.result();
  void (true satisfies Same<typeof output, { text: string }>);
  // @ts-expect-error -- of the wrong type
  await engine.start(greet, { name: 1 });
  // @ts-expect-error -- an input is needed
  await engine.start(greet);

  const definition = { name: "Bill", steps: [{ id: "a", type: "wait" }], timeoutMs: 5 };
  const byDefinition = await engine.start(definition, { total: 40 });
  void (true satisfies Same<typeof byDefinition, TestRun>);
  const byName = await engine.start<number>("Bill");
  void (true satisfies Same<typeof byName, TestRun<number>>);
  void (true satisfies Same<typeof engine.client, Client>);
  const skipped = await engine.skipUntil(byName.result());
  void (true satisfies Same<typeof skipped, number>);
  await engine.advanceTo(new Date(0));
  // @ts-expect-error -- a duration or an instant is no promise
  await engine.skipUntil(new Date(0));
  // @ts-expect-error -- an instant is no duration
  await engine.advance(new Date(0));
}

/** As they are imported from JSON, or written. */
export const DEFINITIONS: readonly JsonWorkflow[] = [
  { name: "Bill", steps: [{ id: "a", type: "function", function: "f", next: "b" }], metadata: {} },
];

export const STUBS: Stubs = {
  // A stub says what it expects.
  charge: (input: { total: number }, { attempt }) => input.total * attempt,
  mail: async (_: JsonValue, { sleep }) => sleep("2s"),
  // @ts-expect-error -- there is no such word in its scope
  ship: (input: null, { slep: _slep }) => input,
};
