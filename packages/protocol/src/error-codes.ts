/** What a caller may do: nothing, try again after a growing pause, or try again when the answer says so. */
export type RetryRule = "never" | "backoff" | "after";

export interface ErrorCodeEntry {
  /** HTTP status. */
  readonly status: number;
  readonly retry: RetryRule;
  /** The code that REST v1 prints in `error.code`. */
  readonly wire: string;
  /** What it means and what to do, for the reference page. */
  readonly sentence: string;
}

/**
 * The one table of faults. The class, the REST answers, `docs/reference/errors.md` and the clients'
 * decoding derive from it. Codes are stable for ever; sentences may change.
 */
export const ERROR_CODES = {
  "request.invalid": {
    status: 400,
    retry: "never",
    wire: "VALIDATION_ERROR",
    sentence:
      "A field is missing, unknown or of the wrong type; `details` lists each with its path.",
  },
  "request.malformed": {
    status: 400,
    retry: "never",
    wire: "VALIDATION_ERROR",
    sentence: "The body is not JSON, or it is nested deeper than 256 levels.",
  },
  "request.too-large": {
    status: 413,
    retry: "never",
    wire: "PAYLOAD_TOO_LARGE",
    sentence: "The body is larger than the limit that the message names.",
  },
  "request.timeout": {
    status: 408,
    retry: "backoff",
    wire: "REQUEST_TIMEOUT",
    sentence: "The body did not arrive in time.",
  },
  "request.unauthorized": {
    status: 401,
    retry: "never",
    wire: "UNAUTHORIZED",
    sentence:
      "The API key is missing, unknown or expired. Send it as `x-api-key` or as a bearer token.",
  },
  "request.forbidden": {
    status: 403,
    retry: "never",
    wire: "FORBIDDEN",
    sentence: "The API key may not do this; the message names what it lacks.",
  },
  "request.rate-limited": {
    status: 429,
    retry: "after",
    wire: "RATE_LIMITED",
    sentence:
      "The API key has made as many requests of this category as it may in a minute; `retry-after` says when there is room again.",
  },
  "route.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence: "There is nothing at this address.",
  },
  "route.method-not-allowed": {
    status: 405,
    retry: "never",
    wire: "METHOD_NOT_ALLOWED",
    sentence: "The address exists, but not for this method; `allow` lists those it has.",
  },
  "tenant.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence: "There is no tenant of the name that `x-millrace-tenant` has.",
  },
  "tenant.exists": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "A tenant of this name exists.",
  },
  "key.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence: "No API key of this tenant has this id, or it was revoked.",
  },
  "key.changed": {
    status: 409,
    retry: "backoff",
    wire: "CONFLICT",
    sentence: "Somebody changed the API key at the same moment; repeat.",
  },
  "workflow.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence: "No workflow of this tenant has this id or slug.",
  },
  "workflow.exists": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "The id is taken by another workflow of this tenant; leave it out or choose another.",
  },
  "workflow.not-active": {
    status: 400,
    retry: "never",
    wire: "INVALID_STATUS",
    sentence: "Only an active workflow can be run; activate it first.",
  },
  "workflow.is-code": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "The workflow is code. It changes when a worker offers another version of it.",
  },
  "workflow.changed": {
    status: 409,
    retry: "backoff",
    wire: "CONFLICT",
    sentence: "Somebody changed the workflow at the same moment; read it again and repeat.",
  },
  "workflow.archived": {
    status: 400,
    retry: "never",
    wire: "INVALID_STATUS",
    sentence: "An archived workflow is kept for its runs and cannot be changed.",
  },
  "workflow.wrong-status": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "A draft can be neither paused nor resumed; activate it first.",
  },
  "version.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence: "The workflow has no version of this number.",
  },
  "definition.invalid": {
    status: 400,
    retry: "never",
    wire: "VALIDATION_ERROR",
    sentence:
      "The workflow definition has mistakes; `details` lists all of them, each with path and hint.",
  },
  "input.invalid": {
    status: 400,
    retry: "never",
    wire: "VALIDATION_ERROR",
    sentence:
      "The input does not fit the workflow's `inputSchema`; `details` lists each field with its path in the input.",
  },
  "function.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence:
      "No function of this name is stored for this tenant; those registered in code are not listed here.",
  },
  "function.exists": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence:
      "A function of this name is stored already; replace it with PUT or choose another name.",
  },
  "function.changed": {
    status: 409,
    retry: "backoff",
    wire: "CONFLICT",
    sentence: "Somebody changed the function at the same moment; repeat.",
  },
  "run.not-found": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence: "No run of this tenant has this id.",
  },
  "run.pruned": {
    status: 410,
    retry: "never",
    wire: "NOT_FOUND",
    sentence:
      "The key has started a run that has ended and is kept no longer. Nothing was started now; a new key starts a new run.",
  },
  "run.exists": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "A run of that name is live. Names are unique among the live runs of a tenant.",
  },
  "run.finished": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "The run has ended; nothing can be cancelled or delivered any more.",
  },
  "run.not-failed": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "Only a run that failed or was cancelled can be retried.",
  },
  "run.not-code": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence:
      "Only a run of a code workflow is replayed against code. One of a JSON workflow is pinned to its version, which no deploy changes.",
  },
  "streams.too-many": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence: "The server has as many event streams open as it may; repeat later, or poll the run.",
  },
  "worker.lost": {
    status: 404,
    retry: "never",
    wire: "NOT_FOUND",
    sentence:
      "No worker of this tenant is attached under this id: it was given up, or the server began anew. Its sessions are void; attach again.",
  },
  "worker.out-of-order": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence:
      "A batch of reports or a place in the commands does not follow on what came before; attach again.",
  },
  "workers.too-many": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence: "The server has as many workers of this tenant as it may; repeat later.",
  },
  "payload.too-large": {
    status: 413,
    retry: "never",
    wire: "PAYLOAD_TOO_LARGE",
    sentence: "The input is larger than the limit that the message names.",
  },
  "idempotency.mismatch": {
    status: 409,
    retry: "never",
    wire: "CONFLICT",
    sentence: "The idempotency key was used with another payload, and the call asked to be told.",
  },
  "storage.unavailable": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence: "The store does not answer. Repeat with the same idempotency key.",
  },
  "storage.full": {
    status: 503,
    retry: "backoff",
    wire: "STORAGE_FULL",
    sentence: "The store has no space left. Nothing was written; free some space and repeat.",
  },
  "storage.outcome-unknown": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence:
      "The store did not say in time whether it wrote. The run may have started; repeat with the same idempotency key.",
  },
  "storage.rejected": {
    status: 422,
    retry: "never",
    wire: "UNPROCESSABLE",
    sentence: "The store refuses this one item and would refuse it again; the message says why.",
  },
  "storage.failed": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence:
      "A write to the disk failed, so the node has stopped writing; restart it after the disk is mended.",
  },
  "storage.fenced-node": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence: "This node was declared dead and has dropped its runs; it joins again as a new node.",
  },
  "storage.locked": {
    status: 503,
    retry: "never",
    wire: "UNAVAILABLE",
    sentence: "Another process has the store open; the message names its pid and host.",
  },
  "storage.newer": {
    status: 503,
    retry: "never",
    wire: "UNAVAILABLE",
    sentence: "A newer Millrace wrote this store; start that version or a later one.",
  },
  "storage.unusable": {
    status: 503,
    retry: "never",
    wire: "UNAVAILABLE",
    sentence:
      "The store cannot be opened (not a database, damaged, read-only, or SQLite is too old).",
  },
  "engine.stopping": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence:
      "The node is stopping and takes no new work; repeat at another node or when it is back.",
  },
  "server.unreachable": {
    status: 503,
    retry: "backoff",
    wire: "UNAVAILABLE",
    sentence:
      "The client got no answer from the server for as long as it tries; it says so itself, no server sends it.",
  },
  "option.invalid": {
    status: 400,
    retry: "never",
    wire: "VALIDATION_ERROR",
    sentence:
      "A flag, environment variable or option is unknown or has a value that cannot be used.",
  },
  "internal.error": {
    status: 500,
    retry: "backoff",
    wire: "INTERNAL_ERROR",
    sentence:
      "A mistake in Millrace. The log has the details under the request id; please report it.",
  },
} as const;
ERROR_CODES satisfies Readonly<Record<string, ErrorCodeEntry>>;

export type ErrorCode = keyof typeof ERROR_CODES;
