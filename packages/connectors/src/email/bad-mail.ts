import { ActionError } from "@millrace/protocol";

export type BadMailCode =
  | "action.input-invalid"
  | "email.action-unknown"
  | "email.address-invalid"
  | "email.attachment-invalid"
  | "email.header-invalid"
  | "email.recipient-missing"
  | "email.sender-missing";

/** The same mail is as bad the next time, so it is not tried again. */
export const badMail = (code: BadMailCode, message: string): ActionError =>
  new ActionError(code, message, { source: "definition" });
