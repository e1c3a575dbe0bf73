// How a version of a workflow is kept in the catalog.
import {
  asJsonText,
  fromJsonText,
  toTimestamp,
  type CodeVersion,
  type Definition,
  type JsonText,
  type JsonValue,
  type TenantId,
  type WorkflowId,
  type WorkflowOffer,
  type WorkflowVersion,
} from "@millrace/protocol";
import { isList, isObject, ownValue } from "../definition/json-shape.ts";
import type { CatalogPut, CatalogRecord } from "../storage/catalog.ts";
import type { ProgramKind } from "./program-kind.ts";

export const toVersionId = (id: WorkflowId, version: number): string => `${id}#${version}`;

export interface NewVersion {
  readonly tenant: TenantId;
  readonly workflowId: WorkflowId;
  readonly version: number;
  /** JSON of the definition. */
  readonly definition: JsonText;
  readonly changeSummary: string | null;
  /** Of the record that it replaces, which only a draft may do; null: there is none. */
  readonly expectedRevision: number | null;
}

export const toVersionPut = (version: NewVersion): CatalogPut => ({
  tenant: version.tenant,
  kind: "workflow-version",
  id: toVersionId(version.workflowId, version.version),
  slug: null,
  expectedRevision: version.expectedRevision,
  // The definition as it is: writing it anew would cost as much again.
  body: asJsonText(
    `{"changeSummary":${JSON.stringify(version.changeSummary)},"definition":${version.definition}}`,
  ),
});

/** Of a code workflow: what was offered, which is all that the engine knows of it. */
export const toOfferPut = (
  tenant: TenantId,
  workflowId: WorkflowId,
  version: number,
  offer: WorkflowOffer,
): CatalogPut => ({
  tenant,
  kind: "workflow-version",
  id: toVersionId(workflowId, version),
  slug: null,
  expectedRevision: null,
  body: asJsonText(JSON.stringify({ code: offer })),
});

/** @returns null: it is no version of a code workflow */
export function readOffer(record: CatalogRecord): WorkflowOffer | null {
  const body = parseBody(record.body);
  const code = body !== undefined && isObject(body) ? ownValue(body, "code") : undefined;
  // Written by `toOfferPut` only.
  return code === undefined ? null : (code as unknown as WorkflowOffer);
}

/** A code workflow in the shape of all others: it has no steps that could be known. */
const toDefinition = (offer: WorkflowOffer): Definition => ({
  name: offer.name,
  ...(offer.description === undefined ? {} : { description: offer.description }),
  ...(offer.inputSchema === null ? {} : { inputSchema: offer.inputSchema }),
  ...(offer.outputSchema === null ? {} : { outputSchema: offer.outputSchema }),
  ...(offer.timeoutMs === null ? {} : { timeoutMs: offer.timeoutMs }),
  ...(offer.retentionMs === undefined ? {} : { retentionMs: offer.retentionMs }),
  ...(offer.metadata === undefined ? {} : { metadata: offer.metadata }),
  steps: [],
});

const toCodeVersion = ({ name, version }: WorkflowOffer): CodeVersion => ({ name, version });

/** @returns null: this release cannot read it */
export function readVersion(
  record: CatalogRecord,
  workflowId: WorkflowId,
  version: number,
  kind: Pick<ProgramKind, "parse">,
): WorkflowVersion | null {
  const createdAt = toTimestamp(record.updatedAt);
  const offer = readOffer(record);
  if (offer !== null) {
    const code = toCodeVersion(offer);
    const definition = toDefinition(offer);
    return { workflowId, version, definition, code, changeSummary: null, createdAt };
  }
  const body = parseBody(record.body);
  if (body === undefined) return null;
  const { definition, changeSummary } = unwrap(body);
  const parsed = kind.parse(definition);
  if (!parsed.ok) return null;
  return {
    workflowId,
    version,
    definition: parsed.definition,
    code: null,
    changeSummary,
    createdAt,
  };
}

/** As deep as it is: the definition was as deep as it may be, and now stands in something else. */
function parseBody(body: JsonText): JsonValue | undefined {
  try {
    return fromJsonText(body);
  } catch {
    // Somebody damaged it; its runs are set aside until it is mended.
    return undefined;
  }
}

interface Unwrapped {
  readonly definition: JsonValue;
  readonly changeSummary: string | null;
}

/** Before there were summaries, the body was the definition itself, which has no field of this name. */
function unwrap(body: JsonValue): Unwrapped {
  const definition = isObject(body) ? ownValue(body, "definition") : undefined;
  if (definition === undefined || !isObject(body)) return { definition: body, changeSummary: null };
  const summary = ownValue(body, "changeSummary");
  return { definition, changeSummary: typeof summary === "string" ? summary : null };
}

/** Same fields and values; the order of fields says nothing. */
export function isSameDefinition(a: Definition, b: Definition): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || isSame(toJson(a), toJson(b));
}

// A definition is JSON; an interface has no index signature to say so.
const toJson = (definition: Definition): JsonValue => definition as unknown as JsonValue;

function isSame(a: JsonValue, b: JsonValue): boolean {
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((it, i) => isSame(it, b[i] ?? null));
  }
  if (!isObject(a)) return a === b;
  if (!isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [one, other] = [ownValue(a, name), ownValue(b, name)];
      return one !== undefined && other !== undefined && isSame(one, other);
    })
  );
}
