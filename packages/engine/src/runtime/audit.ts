import type { TenantId, Timestamp } from "@millrace/protocol";
import type { Audit } from "../storage/catalog.ts";
import type { Actor } from "./commands.ts";

export interface ControlWrite {
  readonly tenant: TenantId;
  readonly actor: Actor;
  /** `workflow.create`, `function.delete`, … */
  readonly action: string;
  /** Id of what is changed. */
  readonly target: string;
}

export const toAudit = (
  at: Timestamp,
  { tenant, actor: { key, address }, action, target }: ControlWrite,
): Audit => ({ tenant, at, key, address, action, target });
