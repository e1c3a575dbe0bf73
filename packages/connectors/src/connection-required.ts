import { ActionError } from "@millrace/protocol";

/** Nothing is configured, and there is no sandbox outside development. */
export const connectionRequired = (what: string, setting: string): ActionError =>
  new ActionError(
    "connection.required",
    `${what} is not connected: set ${setting} and start the server again.`,
    { source: "definition" },
  );
