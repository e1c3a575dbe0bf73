// What the sandbox has caught: mails, messages, and what a fake Stripe holds. In development only.
import type { Sandbox, SandboxList } from "@millrace/connectors";
import { MillraceError } from "@millrace/protocol";
import { suggest } from "../../did-you-mean.ts";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readCursor, readLimit, readQuery } from "./read-query.ts";

const PATH = "/api/v1/sandbox";

export const SANDBOX_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: `${PATH}/outbox`,
    scope: "runs:read",
    category: "read",
    handle: (call: AuthorizedCall, services: Services) => list(call, services, "outbox"),
  },
  {
    method: "GET",
    path: `${PATH}/stripe/:list`,
    scope: "runs:read",
    category: "read",
    handle: (call: AuthorizedCall, services: Services) => list(call, services, readList(call)),
  },
  { method: "DELETE", path: PATH, scope: "workflows:write", category: "write", handle: empty },
];

const STRIPE_LISTS = [
  "customers",
  "invoices",
  "invoiceitems",
  "payment_intents",
  "refunds",
] as const satisfies readonly SandboxList[];

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
