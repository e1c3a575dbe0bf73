// Who changed what. Rows are never changed, and nothing deletes them.
import type { AuditRow } from "@millrace/engine";
import { checkName, toIso } from "@millrace/protocol";
import type { Answer, AuthorizedCall, Route, Services } from "../../route.ts";
import { DEFAULT_PAGE, pageBy } from "./page.ts";
import { readInstant } from "./read-instant.ts";
import { readCursor, readLimit, readQuery, type QueryReader } from "./read-query.ts";
import { AUDIT_QUERY, AUDIT_ROW } from "./schemas/audit.ts";
import { PAGE_QUERY, pageOf } from "./schemas/envelope.ts";

export const AUDIT_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/audit",
    scope: "keys:admin",
    category: "read",
    summary: "List who changed what",
    description:
      "With a filter, a page looks at 10,000 changes at most, and may then hold fewer than `limit`, or none, while " +
      "`hasMore` is true: go on with its cursor.",
    query: { ...PAGE_QUERY, ...AUDIT_QUERY },
    answers: { 200: pageOf("Changes, newest first.", AUDIT_ROW) },
    handle: list,
  },
];

async function list(call: AuthorizedCall, { engine }: Services): Promise<Answer> {
  const { limit = DEFAULT_PAGE, cursor, action, key, since } = readQuery(call.request, SHAPE);
  const { rows, next } = await engine.listAudit(call.caller.tenant, limit + 1, {
    ...(cursor === undefined ? {} : { before: Number(cursor) }),
    ...(action === undefined ? {} : { action }),
    ...(key === undefined ? {} : { key }),
    ...(since === undefined ? {} : { since }),
  });
  const leftOff = next === null ? null : String(next);
  return pageBy(rows, limit, ({ sequence }) => String(sequence), toView, leftOff);
}

const readWord: QueryReader<string> = (text) => {
  const problem = checkName(text);
  return problem === undefined ? { value: text } : { problem };
};

const parseSequence = (text: string): string | undefined =>
  /^\d{1,15}$/.test(text) ? text : undefined;

const SHAPE = {
  limit: readLimit,
  cursor: readCursor(parseSequence),
  action: readWord,
  key: readWord,
  since: readInstant,
};

const toView = ({ at, action, target, key, address }: AuditRow): object => ({
  at: toIso(at),
  action,
  target,
  key,
  address,
});
