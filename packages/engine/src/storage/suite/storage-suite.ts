// The conformance suite: what every store must do. A case knows only the port and the harness.
import { awaitingSuite } from "./awaiting.suite.ts";
import { catalogSuite } from "./catalog.suite.ts";
import { commitSuite } from "./commit.suite.ts";
import { deliverySuite } from "./delivery.suite.ts";
import { eventSuite } from "./event.suite.ts";
import { findDueSuite } from "./find-due.suite.ts";
import { finishSuite } from "./finish.suite.ts";
import type { OpenStorage } from "./harness.ts";
import { listSuite } from "./list.suite.ts";
import { nodeSuite } from "./node.suite.ts";
import { outboxSuite } from "./outbox.suite.ts";
import { parkSuite } from "./park.suite.ts";
import { pulseSuite } from "./pulse.suite.ts";
import { readSuite } from "./read.suite.ts";
import { reapSuite } from "./reap.suite.ts";
import { retentionSuite } from "./retention.suite.ts";
import { runUnitSuite } from "./run-unit.suite.ts";
import { startSuite } from "./start.suite.ts";
import { takeSuite } from "./take.suite.ts";
import { wakeSuite } from "./wake.suite.ts";

/** Called by each adapter's `storage.test.ts`. @param open see `createOpenStorage` */
export function storageSuite(open: OpenStorage): void {
  nodeSuite(open);
  pulseSuite(open);
  startSuite(open);
  commitSuite(open);
  runUnitSuite(open);
  parkSuite(open);
  finishSuite(open);
  deliverySuite(open);
  outboxSuite(open);
  eventSuite(open);
  findDueSuite(open);
  takeSuite(open);
  reapSuite(open);
  retentionSuite(open);
  readSuite(open);
  awaitingSuite(open);
  listSuite(open);
  catalogSuite(open);
  wakeSuite(open);
}
