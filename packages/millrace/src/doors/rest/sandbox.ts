// What the sandbox has caught: mails, messages, and what a fake Stripe holds. In development only.
import type { Sandbox, SandboxList } from "@millrace/connectors";
import { MillraceError } from "@millrace/protocol";
import { suggest } from "../../did-you-mean.ts";
import type { Answer, AuthorizedCall, JsonSchema, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";
import { dataOf, PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import { described, FLAG, oneOf, shown, TEXT, titled } from "./schemas/json-schema.ts";

const PATH = "/api/v1/sandbox";

const STRIPE_LISTS = [
  "customers",
  "invoices",
  "invoiceitems",
  "payment_intents",
  "refunds",
] as const satisfies readonly SandboxList[];

const IN_DEVELOPMENT = "There is a sandbox in development only.";

const CAUGHT: JsonSchema = titled("Caught", {
  description: "Something that the sandbox holds; its other fields are its sender's.",
  ...shown({ id: TEXT }),
});

export const SANDBOX_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: `${PATH}/outbox`,
    scope: "runs:read",
    category: "read",
    summary: "List what the sandbox would have sent",
    description: IN_DEVELOPMENT,
    query: PAGE_QUERY,
    answers: { 200: pageOf("Mails and messages, newest first.", CAUGHT) },
    faults: ["route.not-found"],
    handle: (call: AuthorizedCall, services: Services) => list(call, services, "outbox"),
  },
  {
    method: "GET",
    path: `${PATH}/stripe/:list`,
    scope: "runs:read",
    category: "read",
    summary: "List what the sandbox's Stripe holds",
    description: IN_DEVELOPMENT,
    params: { list: described("Name of the list.", oneOf(...STRIPE_LISTS)) },
    query: PAGE_QUERY,
    answers: { 200: pageOf("As Stripe shows them, newest first.", CAUGHT) },
    faults: ["route.not-found"],
    handle: (call: AuthorizedCall, services: Services) => list(call, services, readList(call)),
  },
  {
    method: "DELETE",
    path: PATH,
    scope: "workflows:write",
    category: "write",
    summary: "Empty the sandbox",
    description: IN_DEVELOPMENT,
    answers: { 200: dataOf("It is empty.", titled("SandboxEmptied", shown({ emptied: FLAG }))) },
    faults: ["route.not-found"],
    handle: empty,
  },
];

async function list(call: AuthorizedCall, services: Services, kind: SandboxList): Promise<Answer> {
  const sandbox = findSandbox(services);
  const query = readQuery(call.request, { limit: readLimit, cursor: readCursor(parseId) });
  const limit = query.limit ?? DEFAULT_PAGE;
  const page = { before: query.cursor ?? null, limit: limit + 1 };
  const found = await sandbox.list(call.caller.tenant, kind, page);
  return pageBy(
    found,
    limit,
    ({ id }) => (typeof id === "string" ? id : ""),
    (it) => it,
  );
}

async function empty(call: AuthorizedCall, services: Services): Promise<Answer> {
  const sandbox = findSandbox(services);
  readQuery(call.request, {});
  await sandbox.clear(call.caller.tenant);
  return success(200, { emptied: true });
}

const ID = /^[A-Za-z0-9_]{1,255}$/;

const parseId = (text: string): string | undefined => (ID.test(text) ? text : undefined);

function readList(call: AuthorizedCall): SandboxList {
  const name = call.param("list");
  const found = STRIPE_LISTS.find((it) => it === name);
  if (found !== undefined) return found;
  const hint = suggest(name, STRIPE_LISTS) ?? `There are ${STRIPE_LISTS.join(", ")}.`;
  const message = `The sandbox has no list ${JSON.stringify(name.slice(0, 100))}. ${hint}`;
  throw new MillraceError("route.not-found", message);
}

/** @throws {MillraceError} route.not-found */
function findSandbox({ sandbox }: Services): Sandbox {
  if (sandbox !== null) return sandbox;
  throw new MillraceError(
    "route.not-found",
    "There is no sandbox here: it serves in development only, for connectors that are not configured",
  );
}
