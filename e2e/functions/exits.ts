// A step function that takes the whole process with it.
import type { StepContext } from "@millrace/engine";
import { existsSync } from "node:fs";
import { tell } from "./lines/tell.ts";

/** Ends the process with code 7, unless there is a file of this name in the working folder. */
export async function exitUnlessThere(
  { file }: { file: string },
  context: StepContext,
): Promise<object> {
  await tell(context);
  if (!existsSync(file)) process.exit(7);
  return { file };
}
