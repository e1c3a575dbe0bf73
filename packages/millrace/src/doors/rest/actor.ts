import type { Actor } from "@millrace/engine";
import type { AuthorizedCall } from "../../route.ts";

export const toActor = (call: AuthorizedCall): Actor => ({
  key: call.caller.keyId,
  address: call.address,
});
