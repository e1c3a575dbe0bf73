// Many clients that follow one run by server-sent events.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { Scenario } from "../bench.ts";
import { SLEEP } from "../engine/definitions.ts";
import { Client } from "../load/client.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { cancelOverRest, installOverRest, startOverRest } from "../server/rest.ts";
import { startServer, type Server } from "../server/server.ts";

export const eventStreams: Scenario = {
  name: "event-streams",
  async *run(bench) {
    const { streams } = bench.sizes;
    const what = `${toCount(streams)} open event streams of one run: from its end to the last client's end`;
    bench.progress.stage(what);
    const { openMs, endMs, idleUs } = await bench.inPlace(async (place) => {
      await using server = await startServer({ place });
      using client = await Client.open({ ...server, connectionCount: 1 });
      await installOverRest(client, SLEEP);
      const { runId } = await startOverRest(client, SLEEP.id, { n: 1 }, "streams");
      const from = performance.now();
      const opened = await Promise.all(
        Array.from({ length: streams }, () => openStream(server, runId)),
      );
      const openedAt = performance.now();
      await cancelOverRest(client, runId);
      await Promise.all(opened.map((stream) => ended(stream)));
      const endedAt = performance.now();
      return {
        openMs: openedAt - from,
        endMs: endedAt - openedAt,
        idleUs: ((openedAt - from) * 1_000) / streams,
      };
    });
    const note = `${toDuration(openMs)} to open all of them, ${toCount(idleUs)} µs each`;
    yield { kind: "measured", what, value: endMs, unit: "ms", budget: null, note };
  },
};

async function openStream({ port, key }: Server, runId: string): Promise<IncomingMessage> {
  const request = get({
    host: "127.0.0.1",
    port,
    path: `/api/v1/runs/${runId}/events`,
    headers: { "x-api-key": key, accept: "text/event-stream" },
    agent: false,
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  if (response.statusCode !== 200)
    throw new Error(`a stream was answered with ${response.statusCode}`);
  // The run as it is comes first: then the stream is open.
  await once(response, "data");
  return response;
}

async function ended(stream: IncomingMessage): Promise<void> {
  stream.resume();
  if (!stream.readableEnded) await once(stream, "end");
}
