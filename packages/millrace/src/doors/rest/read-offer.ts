// What a worker offers: workflows with their versions, functions, slots.
import type { WorkerOffer, WorkflowOffer } from "@millrace/protocol";
import { MAX_DURATION_MS } from "@millrace/protocol";
import { ignore, readName, type Reader } from "./read-fields.ts";
import {
  readList,
  readNumber,
  readOrNull,
  readStruct,
  readTextUpTo,
  readWhole,
} from "./read-struct.ts";
import { readMetadata } from "./start-run.ts";

export const MOST_OFFERS = 1_000;
export const MOST_SLOTS = 10_000;
export const LONGEST_DESCRIPTION = 1_000;

const readWorkflowOffer: Reader<WorkflowOffer> = readStruct(
  {
    name: readName,
    version: readName,
    description: readTextUpTo(LONGEST_DESCRIPTION),
    inputSchema: ignore,
    outputSchema: ignore,
    timeoutMs: readOrNull(readNumber(1, MAX_DURATION_MS)),
    retentionMs: readNumber(0, MAX_DURATION_MS),
    metadata: readMetadata,
  },
  ["description", "retentionMs", "metadata"],
);

/** What one attachment says, beside the offer. */
export interface Attachment {
  readonly offer: WorkerOffer;
  /** Drawn anew for each attachment. */
  readonly instance: string;
}

const OFFER = {
  name: readName,
  workflows: readList(readWorkflowOffer, MOST_OFFERS),
  functions: readList<string>(readName, MOST_OFFERS),
  slots: readWhole(1, MOST_SLOTS),
  labels: readMetadata,
};

const readBody = readStruct({ ...OFFER, instance: readName });

export const readAttachment: Reader<Attachment> = (value, path) => {
  const body = readBody(value, path);
  if ("issues" in body) return body;
  const { instance, ...offer } = body;
  return { offer, instance };
};
