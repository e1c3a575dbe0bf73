export {
  backUpSqliteFile,
  createSqliteStorage,
  type BackupReport,
  type SqliteStorage,
  type SqliteStorageOptions,
} from "./storage/sqlite/create-sqlite-storage.ts";
export { compareSqliteSchema } from "./storage/sqlite/compare-schema.ts";
export { openSqliteSource } from "./storage/sqlite/dump-source.ts";
export { openSqliteTarget } from "./storage/sqlite/dump-target.ts";
