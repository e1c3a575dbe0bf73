import type { TenantId, Timestamp } from "@millrace/protocol";
import type { Actor } from "./commands.ts";

export interface Tenant {
  readonly name: TenantId;
  /** null: it is there from the first start on. */
  readonly createdAt: Timestamp | null;
}

export interface CreateTenantRequest {
  /** 1 to 63 of `a-z`, `0-9`, `-`. */
  readonly name: string;
  readonly actor: Actor;
}

export interface TenantCommands {
  /** @throws {MillraceError} request.invalid, tenant.exists */
  create(request: CreateTenantRequest): Promise<Tenant>;
  /** null: there is none, or none can have this name. A tenant that was found once is not looked up again. */
  find(name: string): Promise<TenantId | null>;
  /** By name, ascending; `default` is among them. `after`: the last name of the page before. */
  list(page: { readonly after: string | null; readonly limit: number }): Promise<readonly Tenant[]>;
}

/** A named group of runs, one for each user who uses the name. */
export interface Workspace {
  readonly name: string;
  /** null: runs without a user use it. */
  readonly user: string | null;
}

export interface WorkspaceListing extends Workspace {
  readonly createdAt: Timestamp;
}

export interface WorkspaceCommands {
  /** By name, then user. `after`: the last one of the page before. */
  list(
    tenant: TenantId,
    page: { readonly after: Workspace | null; readonly limit: number },
  ): Promise<readonly WorkspaceListing[]>;
}
