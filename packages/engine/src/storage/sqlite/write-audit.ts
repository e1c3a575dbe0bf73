// ?1 tenant, ?2 at, ?3 key, ?4 address, ?5 action, ?6 target.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";

const TEXT = `
insert into audit (tenant, at, key, address, action, target) values (?1, ?2, ?3, ?4, ?5, ?6)`;

export function prepareWriteAudit(database: Database): (audit: Row) => void {
  const insert = database.prepare(TEXT);
  return (audit) => {
    insert.run(...audit);
  };
}
