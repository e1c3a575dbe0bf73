/** A mailbox, checked: neither part can break a header. */
export interface Mailbox {
  /** Empty if there is none. */
  readonly name: string;
  readonly address: string;
}

export interface MailAttachment {
  readonly filename: string;
  readonly content: string;
  readonly encoding: "utf-8" | "base64";
  /** null: by the file's name. */
  readonly contentType: string | null;
}

/** A mail that was checked: nothing in it can add a header, a recipient, or a file of this machine. */
export interface Mail {
  /** null: the sender by default. */
  readonly from: Mailbox | null;
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly bcc: readonly Mailbox[];
  readonly replyTo: readonly Mailbox[];
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly attachments: readonly MailAttachment[];
}
