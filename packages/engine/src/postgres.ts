export {
  createPostgresStorage,
  type PostgresStorageOptions,
} from "./storage/postgres/create-postgres-storage.ts";
export { comparePostgresSchema } from "./storage/postgres/compare-schema.ts";
export {
  CONNECTIONS_A_NODE,
  describePostgresUrl,
  examinePostgres,
  type PostgresAddress,
  type PostgresReport,
} from "./storage/postgres/examine-postgres.ts";
export { POSTGRES_PROFILES, type PostgresProfile } from "./storage/postgres/profiles/profile.ts";
export { decideProfile } from "./storage/postgres/profiles/recognize.ts";
export {
  listSpreadCalls,
  spreadTables,
  type SpreadCall,
} from "./storage/postgres/profiles/spread.ts";
export { openPostgresSource } from "./storage/postgres/dump-source.ts";
export { openPostgresTarget } from "./storage/postgres/dump-target.ts";
