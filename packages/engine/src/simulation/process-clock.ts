import type { Clock } from "../runtime/clock.ts";
import type { Host, World } from "./world.ts";

/** Less than any delay that somebody asks for, in ms: what computing with fractions may cost. */
const ROUNDING_MS = 1e-3;

/** Each process counts from its own zero, at its own rate, and not while it stands still. */
export function createProcessClock(world: World, host: Host, zeroMs: number): Clock {
  const monotonicMs = (): number => zeroMs + world.elapsedMs * host.rate - host.stoodStillMs;
  return {
    monotonicMs,
    setTimer: (delayMs, fire) => {
      const dueMs = monotonicMs() + delayMs;
      const arm = (): (() => void) =>
        world.after((dueMs - monotonicMs()) / host.rate, host, () => {
          if (monotonicMs() >= dueMs - ROUNDING_MS) fire();
          else cancel = arm();
        });
      let cancel = arm();
      return () => cancel();
    },
    soon: (turn) => {
      world.after(0, host, turn);
    },
  };
}
