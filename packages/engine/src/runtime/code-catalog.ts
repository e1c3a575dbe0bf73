// Code workflows in the catalog: a version for each different offer, so that runs can say which one they go by.
import {
  asJsonText,
  checkName,
  MillraceError,
  newWorkflowId,
  type RandomSource,
  type TenantId,
  type Timestamp,
  type WorkflowId,
  type WorkflowOffer,
} from "@millrace/protocol";
import type { Catalog, CatalogRecord } from "../storage/catalog.ts";
import { toAudit } from "./audit.ts";
import { readOffer, toOfferPut, toVersionId } from "./version-record.ts";
import type { Workflows } from "./workflows.ts";

export interface CodeCatalogOptions {
  readonly catalog: Catalog;
  readonly workflows: Workflows;
  readonly now: () => Timestamp;
  readonly random: RandomSource;
}

/** Where an offer stands in the catalog. */
export interface Announced {
  readonly id: WorkflowId;
  readonly version: number;
}

/** Workers that start together announce the same at the same moment. */
const TRIES = 20;
/** Older versions than these are made anew if somebody offers them again. */
const MOST_COMPARED = 100;

export class CodeCatalog {
  readonly #options: CodeCatalogOptions;

  constructor(options: CodeCatalogOptions) {
    this.#options = options;
  }

  /** @throws {MillraceError} request.invalid, workflow.exists */
  async announce(tenant: TenantId, offer: WorkflowOffer): Promise<Announced> {
    for (const [field, text] of [
      ["name", offer.name],
      ["version", offer.version],
    ] as const) {
      const problem = checkName(text);
      if (problem !== undefined) throw badOffer(offer, field, problem);
    }
    for (let n = 0; n < TRIES; n++) {
      const announced = await this.#tryAnnounce(tenant, offer);
      if (announced !== null) return announced;
    }
    throw new MillraceError(
      "workflow.changed",
      `Workflow "${offer.name}" changes too often at this moment; attach again`,
    );
  }

  /** @returns null: somebody else wrote meanwhile */
  async #tryAnnounce(tenant: TenantId, offer: WorkflowOffer): Promise<Announced | null> {
    const { catalog, now, random } = this.#options;
    const head = await catalog.get(tenant, "workflow", offer.name);
    if (head === null) {
      const id = newWorkflowId(now(), random);
      return this.#write(tenant, offer, { id, slug: offer.name, expectedRevision: null }, 1);
    }
    // Written by `WorkflowEditor` and by this class only.
    const { version: newest } = JSON.parse(head.body) as { readonly version: number };
    const id = head.id as WorkflowId;
    for (let version = newest; version > Math.max(0, newest - MOST_COMPARED); version--) {
      const record = await catalog.get(tenant, "workflow-version", toVersionId(id, version));
      const known = record === null ? null : readOffer(record);
      if (known === null && version === newest) throw taken(offer);
      if (known !== null && isSame(known, offer)) return { id, version };
    }
    const place = { id, slug: head.slug, expectedRevision: head.revision };
    return this.#write(tenant, offer, place, newest + 1, head);
  }

  async #write(
    tenant: TenantId,
    offer: WorkflowOffer,
    place: {
      readonly id: WorkflowId;
      readonly slug: string | null;
      readonly expectedRevision: number | null;
    },
    version: number,
    before?: CatalogRecord,
  ): Promise<Announced | null> {
    const { catalog, workflows, now } = this.#options;
    const status =
      before === undefined
        ? "active"
        : (JSON.parse(before.body) as { readonly status: string }).status;
    const body = asJsonText(JSON.stringify({ status, version }));
    const actor = { key: null, address: null };
    const action = before === undefined ? "workflow.create" : "workflow.update";
    const outcome = await catalog.put(
      [{ ...place, tenant, kind: "workflow", body }, toOfferPut(tenant, place.id, version, offer)],
      toAudit(now(), { tenant, actor, action, target: place.id }),
    );
    if (outcome.kind === "conflict") return null;
    const [head] = outcome.records;
    if (head !== undefined) workflows.remember(head);
    return { id: place.id, version };
  }
}

/** Field by field, as it is stored. */
const isSame = (a: WorkflowOffer, b: WorkflowOffer): boolean => canonical(a) === canonical(b);

const canonical = (offer: WorkflowOffer): string =>
  JSON.stringify(Object.entries(offer).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const taken = ({ name }: WorkflowOffer): MillraceError =>
  new MillraceError(
    "workflow.exists",
    `The name "${name}" belongs to a JSON workflow; give the code workflow another one`,
  );

function badOffer({ name }: WorkflowOffer, field: string, problem: string): MillraceError {
  const message = `workflow ${JSON.stringify(name.slice(0, 80))}, ${field}: ${problem}`;
  return new MillraceError("request.invalid", message, {
    issues: [{ path: ["workflows", field], message }],
  });
}
