// Lets a paused store go on: all of it, so it is for keys of tenant `default` alone.
import { DEFAULT_TENANT, MillraceError } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { readFields } from "./read-fields.ts";
import { readQuery } from "./read-query.ts";
import { dataOf } from "./schemas/envelope.ts";
import { described, FLAG, NO_FIELDS, shown, titled } from "./schemas/json-schema.ts";

const RESUMED = titled(
  "Resumed",
  shown({ wasPaused: described("`false`: it was not, and nothing has changed.", FLAG) }),
);

export const RESUME_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/v1/resume",
    scope: "keys:admin",
    category: "write",
    summary: "Let a paused store go on",
    description:
      "A store that was restored from a backup, imported, or started with `--paused` answers reads and accepts starts, and " +
      "nothing moves. From now on all of it does, at every node within seconds. For keys of the tenant `default`.",
    body: NO_FIELDS,
    answers: { 200: dataOf("Nothing is paused any more.", RESUMED) },
    handle: resume,
  },
];

async function resume(call: AuthorizedCall, { engine, limits }: Services): Promise<Answer> {
  readQuery(call.request, {});
  readFields(await readJsonBody(call.request, limits.requestBytes), {});
  if (call.caller.tenant !== DEFAULT_TENANT) {
    const message = `Only a key of the tenant "${DEFAULT_TENANT}" may let the whole store go on`;
    throw new MillraceError("request.forbidden", message);
  }
  return success(200, { wasPaused: await engine.resume(toActor(call)) });
}
