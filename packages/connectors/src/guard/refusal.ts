import { ActionError } from "@millrace/protocol";

/** Why a host is not called, as the end of a sentence. Goes through undici as the cause of its error. */
export class Refusal extends Error {
  constructor(why: string) {
    super(why);
    this.name = "Refusal";
  }
}

/**
 * @param host as the reader knows it, with its port, and nothing else of a URL: paths and queries carry secrets
 * @param via the host that redirected here; null: the author named it
 */
export function refused(host: string, why: string, via: string | null = null): ActionError {
  const whom = via === null ? host : `${host}, to which ${via} redirected`;
  return new ActionError("outbound.refused", `Refused to call ${whom}: ${why}`, {
    source: "definition",
  });
}
