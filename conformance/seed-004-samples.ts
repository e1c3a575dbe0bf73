// What the tests of seed 004 share: a workflow to run, and the printed calls with ids and keys in their places.
import type { ListeningServer } from "./open-listening-server.ts";
import { parseCurl, type PrintedRequest } from "./printed-request.ts";
import { readJsonSample, readSample } from "./sample.ts";

/** Gives back what it was started with. */
export const ECHO = {
  id: "wf_echo",
  name: "Echo",
  ...(readJsonSample("004/01-trigger.json") as object),
  steps: [{ id: "echo", type: "transform", config: { mapping: { got: "{{input}}" } } }],
};

interface Filling {
  readonly workflow?: string;
  readonly run?: string;
  readonly key?: string;
}

/** A printed call of curl with ids and key in their places. */
export function curl(
  path: string,
  { server }: ListeningServer,
  filling: Filling = {},
): PrintedRequest {
  const { workflow = "", run = "", key = server.key } = filling;
  const text = readSample(path)
    .replaceAll(/\{(WORKFLOW_ID|id)\}/g, workflow)
    .replaceAll("{RUN_ID}", run)
    .replaceAll("YOUR_API_KEY", key);
  return parseCurl(text, { API_KEY: key });
}
