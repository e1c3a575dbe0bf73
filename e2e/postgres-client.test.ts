import { describe } from "vitest";
import { clientSuite } from "./client.suite.ts";
import { openPostgresWorld } from "./open-client-world.ts";

describe("a client of an engine on PostgreSQL", () => {
  clientSuite(openPostgresWorld);
});
