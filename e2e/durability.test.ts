// The order of system calls, as the kernel saw it: an accepted start is on the disk before its answer leaves.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runIdOf } from "./client.ts";
import { TEST_TIMEOUT_MS } from "./deadline.ts";
import type { ServerOptions } from "./server.ts";
import { skipWithoutStrace } from "./strace.ts";
import { parseTrace, proveAnswers, type Proof } from "./trace.ts";
import { workloadOf } from "./workload.ts";
import { openWorld } from "./world.ts";

const SQLITE_SERVER = fileURLToPath(new URL("sqlite-server.ts", import.meta.url));
const CALLS = "read,recvfrom,recvmsg,readv,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync";
/** A page of the log and then some, so that a run's id is in what is printed of the write. */
const PRINTED_BYTES = 5_000;

interface Traced {
  readonly proofs: readonly Proof[];
  /** Starts that were answered with 201. */
  readonly runIds: readonly string[];
}

/** Starts five runs one by one and twenty together, under strace. */
async function trace(options: Partial<ServerOptions> = {}): Promise<Traced> {
  await using world = await openWorld();
  const output = join(world.folder, "trace");
  const strace = ["strace", "-f", "-y", "-tt", "-s", String(PRINTED_BYTES), "-e", `trace=${CALLS}`];
  const { client, stop } = await world.start({ under: [...strace, "-o", output], ...options });
  const { definition } = workloadOf("wf_chain");
  await client.install(definition);
  const runIds: string[] = [];
  for (let n = 0; n < 5; n++) runIds.push(runIdOf(await client.start(definition.id, { n })));
  const together = Array.from({ length: 20 }, (_, n) =>
    client.start(definition.id, { n }, `key-${n}`),
  );
  for (const answer of await Promise.all(together)) runIds.push(runIdOf(answer));
  await stop();
  const calls = parseTrace(await readFile(output, "utf8"));
  return { proofs: proveAnswers(calls, "millrace.db-wal"), runIds };
}

const startsOf = ({ proofs }: Traced): readonly Proof[] =>
  proofs.filter(({ runId }) => runId !== null);
const gapsOf = ({ proofs }: Traced): readonly Proof[] => proofs.filter(({ gap }) => gap !== null);

describe("an accepted start", { timeout: TEST_TIMEOUT_MS }, () => {
  test("is answered only after a sync of the log that began when it had been read", async (context) => {
    skipWithoutStrace(context);
    const traced = await trace();
    const proven = new Set(startsOf(traced).map(({ runId }) => runId));
    expect(proven).toEqual(new Set(traced.runIds));
    // One more is the workflow's.
    expect(traced.proofs).toHaveLength(traced.runIds.length + 1);
    expect(gapsOf(traced)).toEqual([]);
  });

  test("has that proof also on a server that the test puts together", async (context) => {
    skipWithoutStrace(context);
    const traced = await trace({ script: SQLITE_SERVER, args: ["--synchronous", "FULL"] });
    expect(startsOf(traced)).toHaveLength(traced.runIds.length);
    expect(gapsOf(traced)).toEqual([]);
  });

  test("has no such proof once the store of that server is opened with synchronous=NORMAL", async (context) => {
    skipWithoutStrace(context);
    const traced = await trace({ script: SQLITE_SERVER, args: ["--synchronous", "NORMAL"] });
    expect(startsOf(traced)).toHaveLength(traced.runIds.length);
    expect(startsOf(traced).filter(({ gap }) => gap === null)).toEqual([]);
  });
});
