import { DEFAULT_TENANT, type ActionContext } from "@millrace/protocol";

/** The first attempt of a step of some run. */
export function anActionContext(given: Partial<ActionContext> = {}): ActionContext {
  const { runId = "run_01M7VYKAQXF9GSB6SJA1BVRTF7", step = "invoice" } = given;
  return {
    tenant: DEFAULT_TENANT,
    runId,
    step,
    attempt: 1,
    idempotencyKey: `${runId}/${step}`,
    signal: new AbortController().signal,
    ...given,
  };
}
