import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { prepareApplyRunUnit } from "./apply-run-unit.ts";
import { prepareDeliverMessage } from "./deliver-message.ts";
import { PUBLISH, SUBSCRIBE, UNSUBSCRIBE } from "../rows/event-codec.ts";
import { preparePublishEvent } from "./publish-event.ts";
import { prepareForgetSent } from "./send-messages.ts";
import { prepareStartRun } from "./start-run.ts";
import { prepareSubscribeRun } from "./subscribe-run.ts";
import { prepareUnsubscribeRun } from "./unsubscribe-run.ts";
import { DELIVERY, DONE_CODE, RUN, SENT, START } from "./unit-codec.ts";

export interface Applied {
  /** As `decodeOutcomes` reads them, in the order of the units. */
  readonly outcomes: Row;
  /** A run became due, or a message waits. */
  readonly wakes: boolean;
}

/** Applies the units of one commit, inside its transaction. */
export function prepareApplyUnits(
  database: Database,
): (node: string, now: number, units: Row) => Applied {
  const startRun = prepareStartRun(database);
  const applyRunUnit = prepareApplyRunUnit(database);
  const deliverMessage = prepareDeliverMessage(database);
  const forgetSent = prepareForgetSent(database);
  const publishEvent = preparePublishEvent(database);
  const subscribeRun = prepareSubscribeRun(database);
  const unsubscribeRun = prepareUnsubscribeRun(database);
  return (node, now, units) => {
    const outcomes: Cell[] = [];
    const context = { node, now, outcomes, revisions: new Map<string, number | null>() };
    const from = new Cursor(units);
    let wakes = false;
    while (!from.isAtEnd) {
      const kind = from.number();
      switch (kind) {
        case START:
          wakes = startRun(from, context) || wakes;
          break;
        case RUN:
          wakes = applyRunUnit(from, context) || wakes;
          break;
        case DELIVERY:
          wakes = deliverMessage(from, context) || wakes;
          break;
        case SENT:
          forgetSent(from.cells(3), from.cells(from.number()));
          outcomes.push(DONE_CODE);
          break;
        case PUBLISH:
          publishEvent(from, context);
          break;
        case SUBSCRIBE:
          subscribeRun(from, context);
          break;
        case UNSUBSCRIBE:
          unsubscribeRun(from, context);
          break;
        default:
          throw new RangeError(`unit ${kind} is unknown`);
      }
    }
    return { outcomes, wakes };
  };
}
