import type { JsonSchema } from "../../../route.ts";
import { described, INSTANT, orNull, shown, taken, TEXT, titled } from "./json-schema.ts";

export const TENANT: JsonSchema = titled(
  "Tenant",
  shown({
    id: described("Its name.", TEXT),
    name: TEXT,
    createdAt: described("`null`: it is there from the first start on.", orNull(INSTANT)),
  }),
);

export const TENANT_TO_CREATE: JsonSchema = titled(
  "TenantToCreate",
  taken({ name: { type: "string", pattern: "^[a-z0-9-]{1,63}$" } }, ["name"]),
);

export const WORKSPACE: JsonSchema = titled(
  "Workspace",
  shown({
    name: TEXT,
    user: described("`null`: runs without a user use it.", orNull(TEXT)),
    createdAt: described("When it was first used.", INSTANT),
  }),
);
