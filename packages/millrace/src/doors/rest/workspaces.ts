// Workspaces: made by the runs that name them.
import type { Workspace, WorkspaceListing } from "@millrace/engine";
import { checkName, toIso } from "@millrace/protocol";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readLimit, readQuery, type QueryReader } from "./read-query.ts";
import { PAGE_QUERY, pageOf } from "./schemas/envelope.ts";
import { WORKSPACE } from "./schemas/tenant.ts";

export const WORKSPACE_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/workspaces",
    scope: "runs:read",
    category: "read",
    summary: "List workspaces",
    description: "One for each name and user that a run was started with.",
    query: PAGE_QUERY,
    answers: { 200: pageOf("Workspaces, by name, then user.", WORKSPACE) },
    handle: list,
  },
];

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const query = readQuery(call.request, { limit: readLimit, cursor: readPlace });
  const limit = query.limit ?? DEFAULT_PAGE;
  const page = { after: query.cursor ?? null, limit: limit + 1 };
  const found = await engine.workspaces.list(call.caller.tenant, page);
  return pageBy(found, limit, toCursor, toView);
}

const toView = ({ name, user, createdAt }: WorkspaceListing): object => ({
  name,
  user,
  createdAt: toIso(createdAt),
});

/** No name holds a line feed. */
const toCursor = ({ name, user }: Workspace): string =>
  Buffer.from(user === null ? name : `${name}\n${user}`).toString("base64url");

const readPlace: QueryReader<Workspace> = (text) => {
  const [name = "", user = null, ...more] = Buffer.from(text, "base64url").toString().split("\n");
  const place = { name, user };
  const isGood =
    more.length === 0 &&
    checkName(name) === undefined &&
    (user === null || checkName(user) === undefined) &&
    toCursor(place) === text;
  return isGood
    ? { value: place }
    : { problem: "Not a cursor of this list; take it from meta.cursor" };
};
