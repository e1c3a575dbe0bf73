/** What the system calls the error (`ENOENT`); null: it has no such name. */
export const errorCodeOf = (error: unknown): string | null =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
