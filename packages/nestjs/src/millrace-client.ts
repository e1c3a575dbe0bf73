import type { Client } from "@millrace/sdk/client";

/**
 * The SDK's client of this application, for everything but starts: results, cancels, signals, events, lists. A class only because
 * Nest injects by classes. The module closes it.
 */
export abstract class MillraceClient implements Client {
  abstract readonly start: Client["start"];
  abstract readonly startMany: Client["startMany"];
  abstract readonly run: Client["run"];
  abstract readonly cancel: Client["cancel"];
  abstract readonly notify: Client["notify"];
  abstract readonly getWaiters: Client["getWaiters"];
  abstract readonly runs: Client["runs"];
  abstract readonly workflows: Client["workflows"];
  abstract readonly close: Client["close"];
}
