import { newRequestId, toTimestamp } from "@millrace/protocol";

/** Names one request in answers and logs; it guards nothing, so quick randomness will do. */
export const drawRequestId = (): string =>
  newRequestId(toTimestamp(Date.now()), () => (Math.random() * 0x1_0000_0000) >>> 0);
