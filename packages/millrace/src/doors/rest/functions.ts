// Stored functions. Registered ones are the process's own and are not listed here.
import type { PutFunctionOutcome } from "@millrace/engine";
import { checkName, MillraceError, type JsonValue, type StoredFunction } from "@millrace/protocol";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toFunctionView } from "./function-view.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { ignore, invalid, readName, splitFields } from "./read-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { dataOf, LOCATION, PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import {
  FUNCTION,
  FUNCTION_DELETED,
  FUNCTION_PARAMS,
  FUNCTION_TO_CREATE,
  FUNCTION_TO_PUT,
} from "./schemas/function.ts";

const PATH = "/api/v1/functions";

export const FUNCTION_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: PATH,
    scope: "workflows:write",
    category: "write",
    summary: "Store a function",
    body: FUNCTION_TO_CREATE,
    answers: { 201: dataOf("The function.", FUNCTION, { headers: LOCATION }) },
    faults: ["function.exists"],
    handle: create,
  },
  {
    method: "GET",
    path: PATH,
    scope: "workflows:read",
    category: "read",
    summary: "List stored functions",
    query: PAGE_QUERY,
    answers: { 200: pageOf("Functions, by name.", FUNCTION) },
    handle: list,
  },
  {
    method: "GET",
    path: `${PATH}/:name`,
    scope: "workflows:read",
    category: "read",
    summary: "Read a stored function",
    params: FUNCTION_PARAMS,
    answers: { 200: dataOf("The function.", FUNCTION) },
    faults: ["function.not-found"],
    handle: get,
  },
  {
    method: "PUT",
    path: `${PATH}/:name`,
    scope: "workflows:write",
    category: "write",
    summary: "Store or replace a function",
    params: FUNCTION_PARAMS,
    body: FUNCTION_TO_PUT,
    answers: {
      200: dataOf("The function, replaced.", FUNCTION),
      201: dataOf("The function; there was none of this name.", FUNCTION, { headers: LOCATION }),
    },
    faults: ["function.changed"],
    handle: put,
  },
  {
    method: "DELETE",
    path: `${PATH}/:name`,
    scope: "workflows:write",
    category: "write",
    summary: "Delete a stored function",
    params: FUNCTION_PARAMS,
    answers: { 200: dataOf("It is gone.", FUNCTION_DELETED) },
    faults: ["function.not-found", "function.changed"],
    handle: remove,
  },
];

/** A function may be sent back as it was shown. */
const SHAPE = { name: readName, createdAt: ignore, updatedAt: ignore };

async function create(call: AuthorizedCall, services: Services): Promise<Answer> {
  readQuery(call.request, {});
  const { fields, rest } = splitFields(await readBody(call, services), SHAPE);
  const { name } = fields;
  if (name === undefined) throw invalid([{ path: ["name"], message: "Required" }]);
  return store(call, services, name, rest, "refuse");
}

async function put(call: AuthorizedCall, services: Services): Promise<Answer> {
  readQuery(call.request, {});
  const name = call.param("name");
  const { fields, rest } = splitFields(await readBody(call, services), SHAPE);
  if (fields.name !== undefined && fields.name !== name) {
    throw invalid([{ path: ["name"], message: "Differs from the name in the path" }]);
  }
  return store(call, services, name, rest, "replace");
}

const readBody = (call: AuthorizedCall, { limits }: Services): Promise<JsonValue> =>
  readJsonBody(call.request, limits.requestBytes);

async function store(
  call: AuthorizedCall,
  { engine }: Services,
  name: string,
  definition: JsonValue,
  ifExists: "refuse" | "replace",
): Promise<Answer> {
  const { tenant } = call.caller;
  const outcome = await engine.putFunction({
    tenant,
    name,
    definition,
    ifExists,
    actor: toActor(call),
  });
  return toStoredAnswer(outcome);
}

function toStoredAnswer({ fn, isNew }: PutFunctionOutcome): Answer {
  const view = toFunctionView(fn);
  if (!isNew) return success(200, view);
  return success(201, view, { headers: { location: `${PATH}/${encodeURIComponent(fn.name)}` } });
}

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseCursor) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const page = { after: query.cursor ?? null, limit: limit + 1 };
  const found = await engine.listFunctions(call.caller.tenant, page);
  return pageBy(found, limit, ({ name }) => toCursor(name), toFunctionView);
}

async function get(call: AuthorizedCall, services: Services): Promise<Answer> {
  const fn = await findFunction(call, services);
  readQuery(call.request, {});
  return success(200, toFunctionView(fn));
}

async function remove(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { name } = await findFunction(call, services);
  readQuery(call.request, {});
  const { tenant } = call.caller;
  await services.engine.deleteFunction({ tenant, name, actor: toActor(call) });
  return success(200, { name, deleted: true });
}

/** @throws {MillraceError} function.not-found, also for a name that no function can have */
async function findFunction(call: AuthorizedCall, { engine }: Services): Promise<StoredFunction> {
  const name = call.param("name");
  const fn =
    checkName(name) === undefined ? await engine.getFunction(call.caller.tenant, name) : null;
  if (fn === null) throw new MillraceError("function.not-found", "Function not found");
  return fn;
}

/** Names may hold anything, and what a query does to them must not lead to another page. */
const toCursor = (name: string): string => Buffer.from(name).toString("base64url");

function parseCursor(text: string): string | undefined {
  const name = Buffer.from(text, "base64url").toString();
  return toCursor(name) === text && checkName(name) === undefined ? name : undefined;
}
