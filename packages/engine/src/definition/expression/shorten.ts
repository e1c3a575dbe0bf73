const LONGEST_SHOWN = 60;

/** A source as messages show it: its beginning, on one line. */
export const shorten = (source: string): string =>
  (source.length > LONGEST_SHOWN ? `${source.slice(0, LONGEST_SHOWN)}…` : source)
    .replaceAll(/\s+/g, " ")
    .toWellFormed();
