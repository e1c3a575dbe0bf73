import type { Client } from "@millrace/sdk/client";
import { threeSteps } from "./three-steps.ts";

/** @throws one of them was not started */
export async function startMany(client: Client, count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => ({ input: { n } }));
  const outcomes = await client.startMany(threeSteps, items);
  const bad = outcomes.find(({ kind }) => kind !== "created");
  if (bad === undefined) return;
  if ("error" in bad) throw bad.error;
  throw new Error(`one of ${count} starts is ${bad.kind}`);
}
