import type { JsonValue, WorkflowRef } from "@millrace/protocol";
import type { Client, RunHandle, StartOutcome } from "./index.ts";

declare const client: Client;
declare const greet: WorkflowRef<{ name: string; times?: number }, { text: string }>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

export async function typed(): Promise<void> {
  const run = await client.start(greet, { name: "Ada" });
  void (true satisfies Same<typeof run, RunHandle<{ text: string }>>);
  const output = await run.result();
  void (true satisfies Same<typeof output, { text: string }>);
  // @ts-expect-error -- there is no such field in the output
  void output.name;

  // @ts-expect-error -- of the wrong type
  await client.start(greet, { name: 1 });
  // @ts-expect-error -- it is missing
  await client.start(greet, {});
  // @ts-expect-error -- there is no such field in the input
  await client.start(greet, { name: "Ada", tmies: 2 });
  // @ts-expect-error -- an input is needed
  await client.start(greet);
  // @ts-expect-error -- there is no such option
  await client.start(greet, { name: "Ada" }, { dealy: 1 });
  // @ts-expect-error -- nobody serves 4
  await client.start(greet, { name: "Ada" }, { priority: 4 });

  const untyped = await client.start("greet", { anything: true });
  void (true satisfies Same<typeof untyped, RunHandle>);
  const said = await client.start<{ text: string }>("greet");
  void (true satisfies Same<Awaited<ReturnType<typeof said.result>>, { text: string }>);
}

export async function many(): Promise<void> {
  const outcomes = await client.startMany(greet, [{ input: { name: "Ada" } }]);
  void (true satisfies Same<typeof outcomes, readonly StartOutcome<{ text: string }>[]>);
  const [first] = outcomes;
  // @ts-expect-error -- one that was rejected has no run
  void first?.run;
  if (first?.kind === "rejected") void first.error.code;
  // @ts-expect-error -- of the wrong type
  await client.startMany(greet, [{ input: { name: 1 } }]);

  const mixed = await client.startMany([
    { workflow: greet, input: { name: "Ada" } },
    { workflow: "other", input: 1 },
  ]);
  void (true satisfies Same<typeof mixed, readonly StartOutcome[]>);
}

export async function others(): Promise<void> {
  const run = client.run<number>("run_1");
  void (true satisfies Same<Awaited<ReturnType<typeof run.result>>, number>);
  const plain = await client.run("run_1").result();
  void (true satisfies Same<typeof plain, JsonValue>);
  // @ts-expect-error -- there is no such filter
  await client.cancel({ user: "ada" });
}
