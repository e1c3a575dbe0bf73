/** What the command ends with; scripts rely on it. */
export const EXIT = { done: 0, failed: 1, usage: 2, noConnection: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
