export {
  backUpSqliteFile,
  createSqliteStorage,
  type BackupReport,
  type SqliteStorage,
  type SqliteStorageOptions,
} from "./storage/sqlite/create-sqlite-storage.ts";
export { compareSqliteSchema } from "./storage/sqlite/compare-schema.ts";
