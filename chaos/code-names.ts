// Names of the code workflows that the workers offer, and of what they wait for.
export const CODE = {
  triple: "triple",
  inbox: "inbox",
  listener: "listener",
  family: "family",
} as const;

/** Of the signals to an inbox. */
export const ITEM_SIGNAL = "item";
