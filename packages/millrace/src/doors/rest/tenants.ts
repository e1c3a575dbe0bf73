// Tenants: for the administrator's key alone.
import type { Tenant } from "@millrace/engine";
import { parseTenantId, toIso } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { invalid, readFields, readText } from "./read-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { dataOf, PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import { TENANT, TENANT_TO_CREATE } from "./schemas/tenant.ts";

const PATH = "/api/v1/tenants";

export const TENANT_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: PATH,
    scope: "tenants:admin",
    category: "write",
    summary: "Make a tenant",
    body: TENANT_TO_CREATE,
    answers: { 201: dataOf("The tenant.", TENANT) },
    faults: ["tenant.exists"],
    handle: create,
  },
  {
    method: "GET",
    path: PATH,
    scope: "tenants:admin",
    category: "read",
    summary: "List tenants",
    query: PAGE_QUERY,
    answers: { 200: pageOf("Tenants, by name.", TENANT) },
    handle: list,
  },
];

async function create(call: AuthorizedCall, { engine, limits }: Services): Promise<Answer> {
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, limits.requestBytes);
  const { name } = readFields(body, { name: readText });
  if (name === undefined) throw invalid([{ path: ["name"], message: "Required" }]);
  const tenant = await engine.tenants.create({ name, actor: toActor(call) });
  return success(201, toTenantView(tenant));
}

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseTenantId) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const found = await engine.tenants.list({ after: query.cursor ?? null, limit: limit + 1 });
  return pageBy(found, limit, ({ name }) => name, toTenantView);
}

/** A tenant's name is its id. */
const toTenantView = ({ name, createdAt }: Tenant): object => ({
  id: name,
  name,
  createdAt: createdAt === null ? null : toIso(createdAt),
});
