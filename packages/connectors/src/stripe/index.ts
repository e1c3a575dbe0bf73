export { createStripeActions } from "./actions.ts";
export type { StripeSettings } from "./client.ts";
