// ?1 node, ?2 end of the lease. Primary key.
import type { Database } from "./database.ts";

const TEXT = "update nodes set lease_until = ?2 where id = ?1";

export function prepareRenewLease(database: Database): (node: string, leaseUntil: number) => void {
  const renew = database.prepare(TEXT);
  return (node, leaseUntil) => {
    renew.run(node, leaseUntil);
  };
}
