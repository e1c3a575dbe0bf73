export { createSlackActions } from "./actions.ts";
export type { SlackSettings } from "./client.ts";
