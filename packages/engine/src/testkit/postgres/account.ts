// PostgreSQL refuses to run as root, so root lends it another account.
import { readFileSync } from "node:fs";

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** @returns undefined: this process is not root, and PostgreSQL runs as what it is */
export function findAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  // One that has a line there: `initdb` looks its name up.
  const lent = users.find(({ name }) => name === "nobody") ?? users.find(({ uid }) => uid > 0);
  if (lent === undefined) throw new Error("/etc/passwd names no account but root's.");
  return { uid: lent.uid, gid: lent.gid };
}
