export { createEmailActions, type EmailSettings } from "./actions.ts";
