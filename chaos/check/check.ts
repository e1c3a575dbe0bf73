// What must be true when all has ended.
import type { History } from "../history.ts";
import { checkBodies } from "./bodies.ts";
import { checkDeliveries } from "./deliveries.ts";
import { checkEnds } from "./ends.ts";
import { checkFamilies } from "./families.ts";
import { checkJournals } from "./journals.ts";
import { checkRemains } from "./remains.ts";
import { checkStarts } from "./starts.ts";
import type { Violation } from "./violation.ts";

/** @returns empty: it holds */
export function check(history: History): readonly Violation[] {
  return [
    ...checkStarts(history),
    ...checkJournals(history),
    ...checkBodies(history),
    ...checkDeliveries(history),
    ...checkFamilies(history),
    ...checkEnds(history),
    ...checkRemains(history),
  ];
}
