import type { Answer, Call, Door, JsonSchema, Route, Services } from "../../route.ts";
import { toErrorAnswer } from "../rest/errors.ts";
import { shown, TEXT, titled } from "../rest/schemas/json-schema.ts";
import { METRICS_ROUTES } from "./metrics.ts";

const PROBE: JsonSchema = titled("Probe", shown({ status: TEXT }));

const HEALTH_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/health/live",
    scope: "public",
    category: "probe",
    summary: "Ask whether the server lives",
    answers: {
      200: { description: "It lives.", schema: PROBE },
      503: { description: "Only a restart helps.", schema: PROBE },
    },
    handle: answerLive,
  },
  {
    method: "GET",
    path: "/health/ready",
    scope: "public",
    category: "probe",
    summary: "Ask whether the server takes requests",
    answers: {
      200: { description: "It takes requests.", schema: PROBE },
      503: { description: "Send requests elsewhere for now.", schema: PROBE },
    },
    handle: answerReady,
  },
];

/** What the people and machines that run a server ask it; errors look as those of REST v1. */
export const OPERATING_DOOR: Door = {
  routes: [...HEALTH_ROUTES, ...METRICS_ROUTES],
  toErrorAnswer,
};

/** Not live: only a restart helps. */
function answerLive(_call: Call, { engine }: Services): Answer {
  const isLive = engine.health().state !== "failed";
  return probeAnswer(isLive, isLive ? "live" : "failed");
}

/** Not ready: send requests elsewhere for now. */
function answerReady(_call: Call, { engine, stopping }: Services): Answer {
  const { state } = engine.health();
  if (stopping.aborted) return probeAnswer(false, "stopping");
  return probeAnswer(state === "ready", state);
}

const probeAnswer = (isGood: boolean, status: string): Answer => ({
  status: isGood ? 200 : 503,
  body: JSON.stringify({ status }),
  headers: { "content-type": "application/json" },
});
