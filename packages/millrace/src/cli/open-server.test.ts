import { createTestFolder } from "../../../engine/src/storage/suite/test-folder.ts";
import { startProxy } from "../../../engine/src/testkit/postgres/proxy/start-proxy.ts";
import {
  createTestDatabase,
  sharedPostgres,
} from "../../../engine/src/testkit/postgres/shared-postgres.ts";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { afterAll, describe, expect, test } from "vitest";
import type { HostedCode } from "../code/hosted-code.ts";
import { readConnectorSettings } from "../connectors/connector-settings.ts";
import { createLog } from "../log.ts";
import { openServer } from "./open-server.ts";

// A server sets it for its whole process, which other tests go on in.
const umask = process.umask(0o077);
afterAll(() => void process.umask(umask));

describe("a server whose database goes away while it starts", () => {
  test("waits for it after the first answer, too, and starts", async () => {
    using folder = createTestFolder();
    const database = await createTestDatabase();
    await using proxy = await startProxy(await sharedPostgres());
    const waits: string[] = [];
    const goAway = (): void => proxy.setFaults({ cutAfterCommit: 1 });
    const log = createLog({
      level: "warn",
      write: (line) => {
        if (!line.includes("waits up to")) return;
        waits.push(line);
        proxy.setFaults({ cutAfterCommit: 0 });
      },
    });
    let attachCount = 0;
    const code: HostedCode = {
      // The engine asks for these when the store is open.
      get functions() {
        goAway();
        return {};
      },
      summary: { functionCount: 0, workflowCount: 0, processCount: 0 },
      attach: async (engine) => {
        attachCount += 1;
        if (attachCount === 1) goAway();
        await engine.getWorkflow(DEFAULT_TENANT, "order");
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const server = await openServer({
      data: folder.file("data"),
      database: { url: proxy.urlOf(database.url), readUrl: null },
      host: "127.0.0.1",
      port: 0,
      mode: "development",
      adminKey: null,
      code,
      connectors: readConnectorSettings(() => null),
      definitionEnv: {},
      retention: {},
      log,
      startsPaused: false,
      signal: new AbortController().signal,
    });
    expect(server.engine.health().state).toBe("ready");
    expect(server.devKey).toBe("here");
    expect([waits.length, attachCount]).toEqual([2, 2]);
    await server.stop();
    await database.drop();
  });
});
