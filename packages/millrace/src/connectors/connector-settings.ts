/** What is configured of the world outside; null: it is not. Texts as they were given, checked for their form. */
export interface ConnectorSettings {
  readonly stripeKey: string | null;
  readonly stripeUrl: string | null;
  readonly slackToken: string | null;
  readonly slackUrl: string | null;
  readonly smtpUrl: string | null;
  readonly mailFrom: string | null;
  /** With commas between entries. */
  readonly outboundAllow: string | null;
  /** `true`: nothing else may be called. */
  readonly outboundAllowOnly: string | null;
}

/** @param get finds a setting by its name */
export function readConnectorSettings(
  get: (name: keyof ConnectorSettings) => string | null,
): ConnectorSettings {
  return {
    stripeKey: get("stripeKey"),
    stripeUrl: get("stripeUrl"),
    slackToken: get("slackToken"),
    slackUrl: get("slackUrl"),
    smtpUrl: get("smtpUrl"),
    mailFrom: get("mailFrom"),
    outboundAllow: get("outboundAllow"),
    outboundAllowOnly: get("outboundAllowOnly"),
  };
}
