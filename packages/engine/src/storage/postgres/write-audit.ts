// Rows of the audit that belong to units: written where the unit is.
import type { Row } from "../rows/cells.ts";
import type { Audit } from "../catalog.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import type { AuditTrack } from "./audit-sequence.ts";
import { statement } from "./statement.ts";

const REF_KINDS: readonly ColumnKind[] = ["text", "text", "small"];
const AUDIT_KINDS: readonly ColumnKind[] = [
  ...(["text", "big", "big", "text", "text", "text", "text"] as const),
];
const AUDIT_NAMES = "owner, sequence, at, by, address, action, target";
const COLUMNS = "tenant, sequence, at, key, address, action, target";
const CELLS = "u.owner, u.sequence, u.at, u.by, u.address, u.action, u.target";

/** `message`: the unit's message id stands behind the run's three columns. */
export const auditBatch = (of: "ref" | "message"): Batch =>
  new Batch(...REF_KINDS, ...(of === "message" ? (["text"] as const) : []), ...AUDIT_KINDS);

/** @param track of the rows that are written with it */
export const auditCells = (
  { tenant, at, key, address, action, target }: Audit,
  track: AuditTrack,
): Row => [tenant, track.next(at), at, key, address, action, target];

export const INSERT_AUDIT_OF_START: ReturnType<typeof statement> = statement(
  "insert_audit_of_start",
  `insert into millrace.audit (${COLUMNS})
select ${CELLS}
from ${unnest([...REF_KINDS, ...AUDIT_KINDS])} u(tenant, run, shard, ${AUDIT_NAMES})
join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard`,
);

/** Before the message itself is inserted: a repeat finds it there, and leaves no second row. */
export const INSERT_AUDIT_OF_MESSAGE: ReturnType<typeof statement> = statement(
  "insert_audit_of_message",
  `insert into millrace.audit (${COLUMNS})
select ${CELLS}
from ${unnest([...REF_KINDS, "text", ...AUDIT_KINDS])} u(tenant, run, shard, message, ${AUDIT_NAMES})
join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard
where not exists (
  select 1 from millrace.inbox i
  where i.tenant = u.tenant and i.run = u.run and i.id = u.message and i.shard = u.shard
)`,
);
