import { asJsonText, type TenantId } from "@millrace/protocol";
import type { Catalog, CatalogRecord } from "../storage/catalog.ts";
import type { Log } from "./log.ts";
import type { Workspace, WorkspaceCommands, WorkspaceListing } from "./tenant-commands.ts";

/** Users are the callers' own; one who uses a workspace of each is remembered no longer. */
const SEEN_SIZE = 10_000;

export class Workspaces implements WorkspaceCommands {
  readonly #catalog: Catalog;
  readonly #log: Log;
  readonly #seen = new Set<string>();

  constructor(catalog: Catalog, log: Log) {
    this.#catalog = catalog;
    this.#log = log;
  }

  /** Known already: nothing to wait for. */
  isKnown(tenant: TenantId, workspace: Workspace): boolean {
    return this.#seen.has(seenName(tenant, workspace));
  }

  /**
   * Makes the row at the first use. Never rejects: the run that uses it is stored, and the next one tries again.
   */
  async use(tenant: TenantId, workspace: Workspace): Promise<void> {
    try {
      // A conflict means that it is there.
      await this.#catalog.put(
        [
          {
            tenant,
            kind: "workspace",
            id: toId(workspace),
            slug: null,
            expectedRevision: null,
            body: asJsonText(JSON.stringify({ name: workspace.name, user: workspace.user })),
          },
        ],
        null,
      );
      if (this.#seen.size >= SEEN_SIZE) this.#seen.clear();
      this.#seen.add(seenName(tenant, workspace));
    } catch (error) {
      this.#log.warn({ err: error }, "a workspace could not be stored; its next run tries again");
    }
  }

  async list(
    tenant: TenantId,
    { after, limit }: { readonly after: Workspace | null; readonly limit: number },
  ): Promise<readonly WorkspaceListing[]> {
    const place = after === null ? null : toId(after);
    const records = await this.#catalog.list(tenant, "workspace", place, limit);
    return records.map(decode);
  }
}

/** Sorts below whatever a name may hold, so that a list is by name, then user. */
const SEPARATOR = "\u001F";

const toId = ({ name, user }: Workspace): string =>
  user === null ? name : `${name}${SEPARATOR}${user}`;

const seenName = (tenant: TenantId, workspace: Workspace): string =>
  `${tenant}${SEPARATOR}${toId(workspace)}`;

function decode({ body, createdAt }: CatalogRecord): WorkspaceListing {
  // Written above and nowhere else.
  const { name, user } = JSON.parse(body) as Workspace;
  return { name, user, createdAt };
}
