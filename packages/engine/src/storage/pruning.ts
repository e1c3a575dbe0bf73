/**
 * An ended run that has expired is kept on for so long while something of it is under way: a message that it has sent,
 * or its own start, which its parent's courier may bring once more and which must find it.
 */
export const KEEP_ON_MS: number = 60 * 60_000;
