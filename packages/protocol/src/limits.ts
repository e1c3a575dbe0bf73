/** What one caller may ask of the engine; each is an option with this default. */
export interface Limits {
  /** Input of a run, output of a step, as UTF-8 JSON. */
  readonly payloadBytes: number;
  /** Body of a request. */
  readonly requestBytes: number;
  /** Body of a request with many items. */
  readonly bulkRequestBytes: number;
  /** Items of such a request. */
  readonly bulkItems: number;
  /** A run's journal: a step that would go beyond fails the run. */
  readonly journalEntries: number;
  readonly metadataKeys: number;
  readonly metadataValueBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  payloadBytes: 1024 * 1024,
  requestBytes: 2 * 1024 * 1024,
  bulkRequestBytes: 64 * 1024 * 1024,
  bulkItems: 10_000,
  journalEntries: 100_000,
  metadataKeys: 64,
  metadataValueBytes: 512,
};

/** How long an idempotency key is remembered after the first acceptance. */
export const IDEMPOTENCY_KEY_LIFETIME_MS: number = 24 * 60 * 60 * 1000;

/** Longest wait or delay that a definition may ask for: 100 years. */
export const MAX_DURATION_MS: number = 100 * 366 * 24 * 60 * 60 * 1000;
