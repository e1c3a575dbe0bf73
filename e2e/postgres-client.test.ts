import { describe } from "vitest";
import { clientSuite } from "./client.suite.ts";
import { openPostgresWorld } from "./open-client-world.ts";

describe("a client of an engine on PostgreSQL", () => {
  // Of 2,500 cancelled at once some wait half a minute for a connection's answer now and then: not understood yet.
  clientSuite(openPostgresWorld, 20);
});
