import { randomInt } from "node:crypto";

/** Of the moments at which a crash test kills: `MILLRACE_CRASH_SEED` repeats those of a run that failed. */
export function drawCrashSeed(): number {
  const given = process.env["MILLRACE_CRASH_SEED"];
  return given === undefined || given === "" ? randomInt(2 ** 32) : Number(given);
}
