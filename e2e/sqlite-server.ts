// The same server as the command's, with choices that the command does not offer: how the store syncs, and how long
// workers may be silent. `node sqlite-server.ts start --data <folder> … --synchronous NORMAL --lease 1000`; flags that
// it does not know it ignores.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { createApp, createLog, listen } from "millrace";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureDevKey } from "../packages/millrace/src/cli/dev-key.ts";
import { findModules, loadCode } from "../packages/millrace/src/code/load-code.ts";
import { RemoteWorkers } from "../packages/millrace/src/remote-workers.ts";

const { values } = parseArgs({
  strict: false,
  options: {
    data: { type: "string" },
    functions: { type: "string" },
    synchronous: { type: "string" },
    port: { type: "string" },
    lease: { type: "string" },
  },
});
const data = String(values.data);
const synchronous = values.synchronous === "NORMAL" ? "NORMAL" : "FULL";

await mkdir(data, { recursive: true });
const storage = await createSqliteStorage({ path: join(data, "millrace.db"), synchronous });
const { functions } = await loadCode(await findModules(String(values.functions)));
const engine = createEngine({ storage, functions });
await engine.start();
await ensureDevKey(engine, data);
const log = createLog({ level: "warn", write: (line) => process.stderr.write(line) });
const workers = new RemoteWorkers({ leaseMs: Number(values.lease ?? 15_000) });
const app = createApp({ engine, log, mode: "development", adminKeyDigest: null, workers });
const listener = await listen({ app, host: "127.0.0.1", port: Number(values.port ?? 0) });
process.once("SIGTERM", () => {
  void listener
    .close()
    .then(() => engine.stop())
    .then(() => process.exit(0));
});
const url = `http://127.0.0.1:${listener.port}`;
console.log(JSON.stringify({ url, pid: process.pid }));
