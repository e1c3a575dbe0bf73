// The stores that can be measured. Each is opened with the durability that its name in the table promises.
import type { EngineOptions } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { join } from "node:path";

/** The engine's port, by the one name under which it is published. */
export type Storage = EngineOptions["storage"];
export type Unit = Parameters<Storage["commit"]>[2][number];

export const STORE_NAMES = ["sqlite", "postgres"] as const;
export type StoreName = (typeof STORE_NAMES)[number];

/** Where the data of engines and servers lies. All that are given the same place work on the same store. */
export type Place =
  /** The store is a file in the folder. */
  | { readonly store: "sqlite"; readonly folder: string }
  /** The folder has what a server keeps apart from its store. */
  | { readonly store: "postgres"; readonly folder: string; readonly url: string };

export function openStorage(place: Place): Promise<Storage> {
  if (place.store === "postgres") return createPostgresStorage({ url: place.url });
  return createSqliteStorage({ path: join(place.folder, "millrace.db"), synchronous: "FULL" });
}

/** @throws {Error} it is no database, which is a mistake of the scenario */
export function toUrl(place: Place): string {
  if (place.store === "postgres") return place.url;
  throw new Error("this scenario needs PostgreSQL");
}
