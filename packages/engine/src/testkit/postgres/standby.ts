// A standby begins as a copy of its running primary's folder (the packages have no `pg_basebackup`), and then reads
// the primary's log, which a replication slot keeps from the moment before the copy.
import { randomUUID } from "node:crypto";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "./account.ts";
import { runStatements, withClient } from "./admin.ts";
import { copyFolder } from "./cluster.ts";

interface Primary {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly folder: string;
}

/** What is the primary's own: its process, its slots, its log, and what was set by `alter system`. */
const NOT_COPIED = [
  "postmaster.pid",
  "postmaster.opts",
  "pg_replslot",
  "pg_wal",
  "pg_dynshmem",
  "postgresql.auto.conf",
  "standby.signal",
];

/** @returns the name by which the primary knows the standby */
export async function fillStandby(
  primary: Primary,
  folder: string,
  account: Account | undefined,
): Promise<string> {
  const name = `standby_${randomUUID().slice(0, 8)}`;
  const label = await withClient(primary.url, async (client) => {
    await client.query("select pg_create_physical_replication_slot($1, true)", [name]);
    await client.query("select pg_backup_start($1, true)", [name]);
    copyFolder(primary.folder, folder, { account, without: NOT_COPIED, isLive: true });
    // The log comes from the primary itself, so there is no archive to wait for.
    const { rows } = await client.query<{ labelfile: string }>(
      "select labelfile from pg_backup_stop(false)",
    );
    return rows[0]?.labelfile ?? "";
  });
  const own = (path: string): void => {
    if (account !== undefined) chownSync(path, account.uid, account.gid);
  };
  for (const empty of ["pg_replslot", "pg_wal", "pg_dynshmem"]) {
    mkdirSync(join(folder, empty), { mode: 0o700 });
    own(join(folder, empty));
  }
  const to = `host=${primary.host} port=${primary.port} user=millrace application_name=${name}`;
  const files = {
    backup_label: label,
    "standby.signal": "",
    "postgresql.auto.conf": `primary_conninfo = '${to}'\nprimary_slot_name = '${name}'\n`,
  };
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(folder, file), text, { mode: 0o600 });
    own(join(folder, file));
  }
  return name;
}

const LOOK_EVERY_MS = 10;
const LONGEST_MS = 30_000;

/** Until the primary sends it all that it writes and, if synchronous, waits for it. */
export async function waitForStandby(
  primary: Primary,
  name: string,
  synchronous: boolean,
): Promise<void> {
  const state = synchronous ? "sync_state = 'sync'" : "state = 'streaming'";
  if (synchronous) {
    const setting = `alter system set synchronous_standby_names to '${name}'`;
    await runStatements(primary.url, setting, "select pg_reload_conf()");
  }
  const question = `select 1 from pg_stat_replication where application_name = $1 and ${state}`;
  const deadline = performance.now() + LONGEST_MS;
  await withClient(primary.url, async (client) => {
    // The server has no signal for this.
    while ((await client.query(question, [name])).rowCount === 0) {
      if (performance.now() > deadline) throw new Error(`The primary does not see ${name}.`);
      await delay(LOOK_EVERY_MS);
    }
  });
}
