import type { TestServer } from "./open-test-server.ts";

/** A run that has just been taken looks different from one that sleeps; only the latter stays as it is. */
export async function untilAsleep(server: TestServer, runId: string): Promise<void> {
  for (;;) {
    const { body } = await server.send("GET", `/api/v1/runs/${runId}`);
    if (body.data.waitingOn !== null) return;
    if (body.data.completedAt !== null)
      throw new Error(`${runId} does not sleep: ${body.data.status}`);
  }
}
