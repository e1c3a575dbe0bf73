// API keys. A key is in clear in one answer only, that to its creation or rotation.
import type { ApiKey } from "@millrace/engine";
import { after, MillraceError, toTimestamp } from "@millrace/protocol";
import { digestOf, newKey, parseKeyId } from "../../auth/key.ts";
import { DEFAULT_KEY_LIMITS } from "../../auth/key-limits.ts";
import { EVERY_SCOPE, hasScope } from "../../auth/scope.ts";
import { readJsonBody } from "../../read-body.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { toActor } from "./actor.ts";
import { success } from "./envelope.ts";
import { toKeyView } from "./key-view.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { invalid, readFields } from "./read-fields.ts";
import { readCreation, readGraceSeconds, type KeyCreation } from "./read-key-fields.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { dataOf, LOCATION, PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import {
  KEY,
  KEY_PARAMS,
  KEY_REVOKED,
  KEY_TO_CREATE,
  KEY_TO_ROTATE,
  NEW_KEY,
} from "./schemas/key.ts";

const PATH = "/api/v1/api-keys";
const BASE = { scope: "keys:admin" } as const;

export const KEY_ROUTES: readonly Route[] = [
  {
    ...BASE,
    method: "POST",
    path: PATH,
    category: "write",
    summary: "Make an API key",
    description: "The key is in this answer only.",
    body: KEY_TO_CREATE,
    answers: { 201: dataOf("The key, in clear.", NEW_KEY, { headers: LOCATION }) },
    handle: create,
  },
  {
    ...BASE,
    method: "GET",
    path: PATH,
    category: "read",
    summary: "List API keys",
    query: PAGE_QUERY,
    answers: { 200: pageOf("Keys, by id, without their secrets.", KEY) },
    handle: list,
  },
  {
    ...BASE,
    method: "GET",
    path: `${PATH}/:id`,
    category: "read",
    summary: "Read an API key's settings",
    params: KEY_PARAMS,
    answers: { 200: dataOf("The key, without its secret.", KEY) },
    faults: ["key.not-found"],
    handle: get,
  },
  {
    ...BASE,
    method: "DELETE",
    path: `${PATH}/:id`,
    category: "write",
    summary: "Revoke an API key",
    description: "Every node refuses it within five seconds.",
    params: KEY_PARAMS,
    answers: { 200: dataOf("It opens nothing any more.", KEY_REVOKED) },
    faults: ["key.not-found", "key.changed"],
    handle: revoke,
  },
  {
    ...BASE,
    method: "POST",
    path: `${PATH}/:id/rotate`,
    category: "write",
    summary: "Give an API key a new secret",
    description: "Id and settings stay. The new key is in this answer only.",
    params: KEY_PARAMS,
    body: KEY_TO_ROTATE,
    answers: { 200: dataOf("The key, in clear.", NEW_KEY) },
    faults: ["key.not-found", "key.changed"],
    handle: rotate,
  },
];

async function create(call: AuthorizedCall, { engine, limits }: Services): Promise<Answer> {
  readQuery(call.request, {});
  const asked = readCreation(await readJsonBody(call.request, limits.requestBytes));
  assertMayGrant(call, asked.scopes);
  const clear = newKey();
  const key = toApiKey(call, asked, clear);
  if (!(await engine.keys.put(key, toActor(call)))) throw new Error("two keys with one id");
  const view = toKeyView({ key, lastUsedAt: null, rotatedAt: null });
  const headers = { location: `${PATH}/${key.id}` };
  return success(201, { ...view, key: clear }, { headers });
}

function toApiKey(call: AuthorizedCall, asked: KeyCreation, clear: string): ApiKey {
  const createdAt = toTimestamp(Date.now());
  const { name, scopes, expiresAt, expiresInMs, limits } = asked;
  if (expiresAt !== null && expiresAt <= createdAt) {
    throw invalid([{ path: ["expiresAt"], message: "Must be in the future" }]);
  }
  return {
    id: idOf(clear),
    tenant: call.caller.tenant,
    name,
    hash: hashOf(clear),
    previous: null,
    scopes,
    limits: { ...DEFAULT_KEY_LIMITS, ...limits },
    createdAt,
    expiresAt: expiresInMs === null ? expiresAt : after(createdAt, expiresInMs),
  };
}

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseId) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const page = { after: query.cursor ?? null, limit: limit + 1 };
  const found = await engine.keys.list(call.caller.tenant, page);
  return pageBy(found, limit, ({ key }) => key.id, toKeyView);
}

async function get(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const found = await engine.keys.get(call.caller.tenant, readId(call));
  if (found === null) throw notFound();
  readQuery(call.request, {});
  return success(200, toKeyView(found));
}

async function revoke(call: AuthorizedCall, services: Services): Promise<Answer> {
  const id = await findId(call, services);
  readQuery(call.request, {});
  await services.engine.keys.revoke({ tenant: call.caller.tenant, id, actor: toActor(call) });
  return success(200, { id, revoked: true });
}

async function rotate(call: AuthorizedCall, services: Services): Promise<Answer> {
  const { engine, limits } = services;
  const { tenant } = call.caller;
  const id = readId(call);
  const found = await engine.keys.get(tenant, id);
  if (found === null) throw notFound();
  readQuery(call.request, {});
  const body = await readJsonBody(call.request, limits.requestBytes);
  const { graceSeconds = 0 } = readFields(body, { graceSeconds: readGraceSeconds });
  // Whoever rotates a key holds it afterwards.
  assertMayGrant(call, found.key.scopes);
  const clear = newKey(id);
  const rotated = await engine.keys.rotate({
    tenant,
    id,
    hash: hashOf(clear),
    graceMs: graceSeconds * 1000,
    actor: toActor(call),
  });
  return success(200, { ...toKeyView(rotated), key: clear });
}

/** @throws {MillraceError} request.forbidden: a key hands out no scope that it has not itself */
function assertMayGrant({ caller }: AuthorizedCall, scopes: readonly string[]): void {
  const missing = scopes.find((scope) =>
    scope === EVERY_SCOPE ? !caller.scopes.includes(EVERY_SCOPE) : !hasScope(caller.scopes, scope),
  );
  if (missing === undefined) return;
  const message = `This API key lacks the scope "${missing}", so it cannot hand it out`;
  throw new MillraceError("request.forbidden", message);
}

const hashOf = (clear: string): string => digestOf(clear).toString("hex");

function idOf(clear: string): string {
  const id = parseKeyId(clear);
  if (id === undefined) throw new Error("a new key has no id");
  return id;
}

const ID = /^[0-9A-Za-z]{12}$/;

const parseId = (text: string): string | undefined => (ID.test(text) ? text : undefined);

function readId(call: AuthorizedCall): string {
  const id = parseId(call.param("id"));
  if (id === undefined) throw notFound();
  return id;
}

async function findId(call: AuthorizedCall, { engine }: Services): Promise<string> {
  const id = readId(call);
  if ((await engine.keys.get(call.caller.tenant, id)) === null) throw notFound();
  return id;
}

const notFound = (): MillraceError => new MillraceError("key.not-found", "API key not found");
