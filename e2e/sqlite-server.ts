// The same server as the command's, with a choice that the command does not offer: how the store syncs.
// `node sqlite-server.ts start --data <folder> … --synchronous NORMAL`; flags that it does not know it ignores.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { createApp, createLog, listen } from "millrace";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureDevKey } from "../packages/millrace/src/cli/dev-key.ts";
import { findModules, loadFunctions } from "../packages/millrace/src/cli/load-functions.ts";

const { values } = parseArgs({
  strict: false,
  options: {
    data: { type: "string" },
    functions: { type: "string" },
    synchronous: { type: "string" },
  },
});
const data = String(values.data);
const synchronous = values.synchronous === "NORMAL" ? "NORMAL" : "FULL";

await mkdir(data, { recursive: true });
const storage = await createSqliteStorage({ path: join(data, "millrace.db"), synchronous });
const functions = await loadFunctions(await findModules(String(values.functions)));
const engine = createEngine({ storage, functions });
await engine.start();
await ensureDevKey(engine, data);
const log = createLog({ level: "warn", write: (line) => process.stderr.write(line) });
const app = createApp({ engine, log, mode: "development", adminKeyDigest: null });
const listener = await listen({ app, host: "127.0.0.1", port: 0 });
process.once("SIGTERM", () => {
  void listener
    .close()
    .then(() => engine.stop())
    .then(() => process.exit(0));
});
const url = `http://127.0.0.1:${listener.port}`;
console.log(JSON.stringify({ url, pid: process.pid }));
