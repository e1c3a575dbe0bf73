// The same server as the command's on PostgreSQL, with a choice that the command does not offer: ended runs are kept for
// a minute. Flags that it does not know it ignores.
import { createEngine } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { createApp, createLog, listen } from "millrace";
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ensureDevKey } from "../packages/millrace/src/cli/dev-key.ts";
import { findModules, loadCode } from "../packages/millrace/src/code/load-code.ts";

const { values } = parseArgs({
  strict: false,
  options: {
    data: { type: "string" },
    functions: { type: "string" },
    port: { type: "string", multiple: true },
  },
});
const data = String(values.data);
const ports = Array.isArray(values.port) ? values.port : [values.port];
const KEPT = "1 minute";

await mkdir(data, { recursive: true });
const storage = await createPostgresStorage({ url: process.env["MILLRACE_DATABASE_URL"] ?? "" });
const { functions } = await loadCode(await findModules(String(values.functions)));
const retention = { completed: KEPT, failed: KEPT, cancelled: KEPT, audit: KEPT } as const;
const engine = createEngine({ storage, functions, retention });
await engine.start();
await ensureDevKey(engine, data);
const log = createLog({ level: "warn", write: (line) => process.stderr.write(line) });
const app = createApp({ engine, log, mode: "development", adminKeyDigest: null });
const listener = await listen({ app, host: "127.0.0.1", port: Number(ports.at(-1) ?? 0) });
process.once("SIGTERM", () => {
  void listener
    .close()
    .then(() => engine.stop())
    .then(() => process.exit(0));
});
const url = `http://127.0.0.1:${listener.port}`;
process.stdout.write(`${JSON.stringify({ url, pid: process.pid })}\n`);
