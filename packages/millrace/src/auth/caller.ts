import type { KeyLimits } from "@millrace/engine";
import type { TenantId } from "@millrace/protocol";

/** Who sent a request, once the key is checked. */
export interface Caller {
  readonly tenant: TenantId;
  /** For the audit log; `ADMIN_KEY_ID` for the administrator's key. */
  readonly keyId: string;
  readonly scopes: readonly string[];
  readonly limits: KeyLimits;
}

/** The administrator's key is not stored, so it has no id of its own. */
export const ADMIN_KEY_ID = "admin";
