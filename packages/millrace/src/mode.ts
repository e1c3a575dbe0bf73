/**
 * `development`: listening on loopback only, and `MILLRACE_ENV` is not `production`. A key may be made and kept in
 * a file, and metrics are open. Anything else is `production`.
 */
export type Mode = "development" | "production";
