import { createConnectors, createGuard } from "@millrace/connectors";
import { asJsonText, parseJson, type Actions, type JsonText } from "@millrace/protocol";
import { readFile } from "node:fs/promises";
import { THREE_STEPS, type ChosenWorkflow } from "./definitions.ts";

/** What a load consists of. */
export interface Workload {
  readonly workflow: ChosenWorkflow;
  /** Of the nth run. */
  readonly inputOf: (n: number) => number | JsonText;
  readonly actions: Actions;
}

const ORDER = new URL("../../examples/process-customer-order/workflow.json", import.meta.url);

export const WORKLOADS = {
  threeSteps: async (): Promise<Workload> => ({
    workflow: THREE_STEPS,
    inputOf: (n) => n,
    actions: {},
  }),
  /** Schema, decimal templates, an invoice and a mail; the far sides are sandboxes in this process. */
  order: async (): Promise<Workload> => {
    const parsed = parseJson(await readFile(ORDER, "utf8"));
    if (!parsed.ok) throw new Error(parsed.problem);
    // A file of ours, which the examples' tests read as well.
    const { id, ...definition } = parsed.value as ChosenWorkflow["definition"] & { id: string };
    const guard = createGuard({ mode: "development" });
    const { actions } = createConnectors({ mode: "development", guard });
    return { workflow: { id, definition }, inputOf: toOrder, actions };
  },
} as const;

export type WorkloadName = keyof typeof WORKLOADS;

const toOrder = (n: number): JsonText =>
  asJsonText(
    JSON.stringify({
      customerId: `cus_${n}`,
      customerEmail: "ada@example.com",
      items: [{ productId: "a", quantity: 2, price: 1999 }],
    }),
  );
