import { checkName, parseRunId, type RunId, type TenantId } from "@millrace/protocol";
import type { Services } from "../../route.ts";

/** By id, else by the name that its caller chose. @returns null: there is no such name; an id is taken as it is */
export async function lookUpRun(
  { engine }: Pick<Services, "engine">,
  tenant: TenantId,
  text: string,
): Promise<RunId | null> {
  const id = parseRunId(text);
  if (id !== undefined) return id;
  // What cannot be a name is nobody's.
  return checkName(text) === undefined ? engine.runs.findNamed(tenant, text) : null;
}
