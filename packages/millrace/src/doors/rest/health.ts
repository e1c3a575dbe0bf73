import type { Answer, Call, JsonSchema, Route, Services } from "../../route.ts";
import { success } from "./envelope.ts";
import { dataOf } from "./schemas/envelope.ts";
import { described, orNull, shown, TEXT, titled } from "./schemas/json-schema.ts";

const HEALTH: JsonSchema = titled(
  "Health",
  shown({
    status: described("`ready` if it serves.", TEXT),
    reason: orNull(TEXT),
    version: TEXT,
  }),
);

export const HEALTH_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/v1/health",
    scope: "public",
    category: "probe",
    summary: "Ask how the server is",
    answers: {
      200: dataOf("It serves.", HEALTH),
      503: dataOf("It does not serve now; the reason says why.", HEALTH),
    },
    handle: answerHealth,
  },
];

/** For people: state, reason and version in the envelope. Machines ask `/health/ready`. */
function answerHealth(_call: Call, { engine, version }: Services): Answer {
  const { state, reason } = engine.health();
  return success(state === "ready" ? 200 : 503, { status: state, reason, version });
}
