import type { Shard } from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import type { Unit } from "./storage.ts";

/** All that a unit writes is there. */
export function shardOfUnit(unit: Unit): Shard {
  switch (unit.kind) {
    case "start":
      return unit.run.shard;
    case "run":
      return unit.ref.shard;
    case "delivery":
      return unit.to.shard;
    case "sent":
      return unit.from.shard;
    case "publish":
    case "subscribe":
    case "unsubscribe":
      return unit.shard;
    default:
      return assertNever(unit);
  }
}
