// Functions that are kept in the catalog: written by commands, read by attempts through a small cache.
import {
  checkName,
  fromJsonText,
  HIDDEN_VALUE,
  MillraceError,
  toJsonText,
  toTimestamp,
  type Issue,
  type JsonText,
  type StoredFunction,
  type TenantId,
} from "@millrace/protocol";
import type { Catalog, CatalogRecord } from "../storage/catalog.ts";
import { toAudit } from "./audit.ts";
import type { DeleteFunctionRequest, PutFunctionOutcome, PutFunctionRequest } from "./commands.ts";
import type { Clock } from "./clock.ts";
import { parseFunction, type FunctionDraft } from "./parse-function.ts";
import type { StoreTime } from "./store-time.ts";

/** A change reaches every node within this time. */
const CACHE_MS = 5_000;
const CACHE_SIZE = 1_000;
/** Another writer may come between looking and writing. */
const PUT_TRIES = 5;
const MOST_BYTES = 64 * 1024;

interface Cached {
  readonly fn: Promise<StoredFunction | null>;
  readonly untilMs: number;
}

export class StoredFunctions {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #time: StoreTime;
  readonly #cache = new Map<string, Cached>();

  constructor(catalog: Catalog, clock: Clock, time: StoreTime) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#time = time;
  }

  /**
   * For an attempt, with its secrets. At most 5 s old; that there is none is never remembered, because a step
   * that does not find its function fails for good.
   */
  async find(tenant: TenantId, name: string): Promise<StoredFunction | null> {
    const place = placeOf(tenant, name);
    const nowMs = this.#clock.monotonicMs();
    const cached = this.#cache.get(place);
    if (cached !== undefined && cached.untilMs > nowMs) return cached.fn;
    // The question itself is kept, so that many attempts at once ask once.
    const fn = this.#read(tenant, name);
    const asked = { fn, untilMs: nowMs + CACHE_MS };
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
    this.#cache.set(place, asked);
    let found: StoredFunction | null = null;
    try {
      found = await fn;
      return found;
    } finally {
      if (found === null && this.#cache.get(place) === asked) this.#cache.delete(place);
    }
  }

  /** As everybody may see it. */
  async get(tenant: TenantId, name: string): Promise<StoredFunction | null> {
    const fn = await this.#read(tenant, name);
    return fn === null ? null : hideSecrets(fn);
  }

  async list(
    tenant: TenantId,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly StoredFunction[]> {
    const records = await this.#catalog.list(tenant, "function", page.after, page.limit);
    return records.map((record) => hideSecrets(decode(record)));
  }

  async put(request: PutFunctionRequest): Promise<PutFunctionOutcome> {
    const { tenant, name, ifExists, actor } = request;
    const problem = checkFunctionName(name);
    if (problem !== undefined) throw invalid([{ path: ["name"], message: problem }]);
    for (let n = 1; n <= PUT_TRIES; n++) {
      const before = await this.#catalog.get(tenant, "function", name);
      if (before !== null && ifExists === "refuse") {
        throw new MillraceError("function.exists", `A function "${name}" is stored already`);
      }
      const parsed = parseFunction(request.definition, before === null ? null : decode(before));
      if (!parsed.ok) throw invalid(parsed.issues);
      const outcome = await this.#catalog.put(
        [
          {
            tenant,
            kind: "function",
            id: name,
            slug: null,
            expectedRevision: before?.revision ?? null,
            body: encode(parsed.draft),
          },
        ],
        toAudit(this.#time.now(), {
          tenant,
          actor,
          action: before === null ? "function.create" : "function.update",
          target: name,
        }),
      );
      const [record] = outcome.kind === "done" ? outcome.records : [];
      if (record === undefined) continue;
      this.#cache.delete(placeOf(tenant, name));
      return { fn: hideSecrets(decode(record)), isNew: before === null };
    }
    throw changed(name);
  }

  async delete({ tenant, name, actor }: DeleteFunctionRequest): Promise<void> {
    for (let n = 1; n <= PUT_TRIES; n++) {
      const record = await this.#catalog.get(tenant, "function", name);
      if (record === null) throw new MillraceError("function.not-found", "Function not found");
      const audit = toAudit(this.#time.now(), {
        tenant,
        actor,
        action: "function.delete",
        target: name,
      });
      if (await this.#catalog.delete(tenant, "function", name, record.revision, audit)) {
        this.#cache.delete(placeOf(tenant, name));
        return;
      }
    }
    throw changed(name);
  }

  async #read(tenant: TenantId, name: string): Promise<StoredFunction | null> {
    const record = await this.#catalog.get(tenant, "function", name);
    return record === null ? null : decode(record);
  }
}

const placeOf = (tenant: TenantId, name: string): string => `${tenant}/${name}`;

/** A path of dots alone means another place in every URL, so nobody could read such a function again. */
const checkFunctionName = (name: string): string | undefined =>
  checkName(name) ?? (/^\.{1,2}$/.test(name) ? "Must not be only dots" : undefined);

const invalid = (issues: readonly Issue[]): MillraceError =>
  new MillraceError("request.invalid", "The function has mistakes", { issues });

const changed = (name: string): MillraceError =>
  new MillraceError(
    "function.changed",
    `Function "${name}" changes too often at this moment; repeat`,
  );

function encode(draft: FunctionDraft): JsonText {
  const json = toJsonText(draft);
  if (!json.ok) throw invalid([{ path: [], message: json.problem }]);
  const bytes = Buffer.byteLength(json.text);
  if (bytes <= MOST_BYTES) return json.text;
  throw new MillraceError(
    "payload.too-large",
    `The function has ${bytes} bytes; the limit is ${MOST_BYTES}`,
  );
}

function decode({ id, body, createdAt, updatedAt }: CatalogRecord): StoredFunction {
  // Written above and nowhere else.
  const draft = fromJsonText(body) as unknown as FunctionDraft;
  return {
    name: id,
    ...draft,
    createdAt: toTimestamp(createdAt),
    updatedAt: toTimestamp(updatedAt),
  };
}

function hideSecrets(fn: StoredFunction): StoredFunction {
  const { headers } = fn.target;
  if (headers === undefined) return fn;
  const hidden = Object.fromEntries(Object.keys(headers).map((name) => [name, HIDDEN_VALUE]));
  return { ...fn, target: { ...fn.target, headers: hidden } };
}
