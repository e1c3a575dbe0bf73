// What the bodies of `worker-process.ts` wrote, whichever process they were in.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The workflow that those processes offer. */
export const TRIPLE = "triple";
export const STEPS = ["first", "left", "right"] as const;

/** @returns by run and step: the token of the body that began last, and how many began */
export function readTokens(
  folder: string,
): ReadonlyMap<string, { readonly last: string; readonly count: number }> {
  const path = join(folder, "tokens.log");
  const tokens = new Map<string, { readonly last: string; readonly count: number }>();
  if (!existsSync(path)) return tokens;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [runId, step, token] = line.split(" ");
    if (runId === undefined || step === undefined || token === undefined) continue;
    const place = placeOf(runId, step);
    tokens.set(place, { last: token, count: (tokens.get(place)?.count ?? 0) + 1 });
  }
  return tokens;
}

export const placeOf = (runId: string, step: string): string => `${runId} ${step}`;
