/** What one check of `millrace doctor` came to. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  readonly state: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do; null: nothing. */
  readonly advice: string | null;
}

export const ok = (check: string, message: string): Finding => ({
  check,
  state: "ok",
  message,
  advice: null,
});

export const warn = (check: string, message: string, advice: string): Finding => ({
  check,
  state: "warn",
  message,
  advice,
});

export const fail = (check: string, message: string, advice: string): Finding => ({
  check,
  state: "fail",
  message,
  advice,
});
