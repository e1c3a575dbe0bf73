export {
  createPostgresStorage,
  type PostgresStorageOptions,
} from "./storage/postgres/create-postgres-storage.ts";
export { comparePostgresSchema } from "./storage/postgres/compare-schema.ts";
export {
  CONNECTIONS_A_NODE,
  describePostgresUrl,
  examinePostgres,
  OLDEST_POSTGRES,
  type PostgresAddress,
  type PostgresReport,
} from "./storage/postgres/examine-postgres.ts";
export { openPostgresSource } from "./storage/postgres/dump-source.ts";
export { openPostgresTarget } from "./storage/postgres/dump-target.ts";
