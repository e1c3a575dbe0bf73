import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import type { MillraceOptions } from "@loopstack/core";
import { DefaultWorkspace } from "./default.workspace.ts";
import { MainWorkspace, OrdersWorkspace, ReportsWorkspace } from "./workspaces.ts";

const workspaces = [DefaultWorkspace, MainWorkspace, ReportsWorkspace, OrdersWorkspace];

/** A server, if there is one at `MILLRACE_URL`; else an engine in this process, with a file. */
export async function millraceOptions(): Promise<MillraceOptions> {
  const { MILLRACE_URL: url, MILLRACE_KEY: key, MILLRACE_FILE: path = "orders.db" } = process.env;
  if (url !== undefined) return { url, ...(key === undefined ? {} : { key }), workspaces };
  return { engine: createEngine({ storage: await createSqliteStorage({ path }) }), workspaces };
}
