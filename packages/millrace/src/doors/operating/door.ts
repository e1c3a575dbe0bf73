import type { Answer, Call, Door, Route, Services } from "../../route.ts";
import { toErrorAnswer } from "../rest/errors.ts";
import { METRICS_ROUTES } from "./metrics.ts";

const HEALTH_ROUTES: readonly Route[] = [
  { method: "GET", path: "/health/live", scope: "public", category: "probe", handle: answerLive },
  { method: "GET", path: "/health/ready", scope: "public", category: "probe", handle: answerReady },
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
