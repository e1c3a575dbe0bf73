import { describe } from "vitest";
import { clientSuite } from "./client.suite.ts";
import { openEngineWorld, openHttpWorld } from "./open-client-world.ts";

describe("a client in the engine's process", () => {
  clientSuite(openEngineWorld);
});

describe("a client over HTTP", () => {
  clientSuite(openHttpWorld);
});
