import type { Answer, Call, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";

export const HEALTH_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/health",
    scope: "public",
    category: "probe",
    handle: answerHealth,
  },
];

/** For people: state, reason and version in the envelope. Machines ask `/health/ready`. */
function answerHealth(_call: Call, { engine, version }: Services): Answer {
  const { state, reason } = engine.health();
  return success(state === "ready" ? 200 : 503, { status: state, reason, version });
}
