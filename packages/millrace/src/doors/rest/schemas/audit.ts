import type { JsonSchema, ParameterSchemas } from "../../../route.ts";
import { described, INSTANT, NAME, orNull, shown, TEXT, titled } from "./json-schema.ts";

export const AUDIT_ROW: JsonSchema = titled(
  "AuditRow",
  shown({
    at: INSTANT,
    action: described("`workflow.create`, `key.revoke`, …", TEXT),
    target: described("Id of what was changed.", TEXT),
    key: described("Id of the key that asked; `null`: the server itself.", orNull(TEXT)),
    address: described("Of the peer, as the server saw it; `null`: in process.", orNull(TEXT)),
  }),
);

export const AUDIT_QUERY: ParameterSchemas = {
  action: described("Only this one.", NAME),
  key: described("Only what this key asked for: its id.", NAME),
  since: described("Only from then on.", INSTANT),
};
