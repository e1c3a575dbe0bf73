// The stores that can be measured. Each is opened with the durability that its name in the table promises.
import type { EngineOptions } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { join } from "node:path";

/** The engine's port, by the one name under which it is published. */
export type Storage = EngineOptions["storage"];
export type Unit = Parameters<Storage["commit"]>[2][number];

export const STORE_NAMES = ["sqlite"] as const;
export type StoreName = (typeof STORE_NAMES)[number];

interface StoreKind {
  /** As the table shows it beside each number. */
  readonly durability: string;
  /** @param folder also the data folder of a server, which finds its store there */
  open(folder: string): Promise<Storage>;
}

export const STORES: Readonly<Record<StoreName, StoreKind>> = {
  sqlite: {
    durability: "SQLite WAL, synchronous=FULL",
    open: (folder) =>
      createSqliteStorage({ path: join(folder, "millrace.db"), synchronous: "FULL" }),
  },
};
