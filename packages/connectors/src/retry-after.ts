/** However long the far side wants us away. Above it a typing slip is likelier than a plan. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

const SECONDS = /^\d+(\.\d+)?$/;
/** Begins with a day of the week; `Date.parse` alone takes almost anything for a date. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/** `Retry-After` in ms: seconds or a date (RFC 9110, 10.2.3). undefined: neither, so the step's own pauses hold. */
export function readRetryAfter(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  if (!SECONDS.test(text) && !HTTP_DATE.test(text)) return undefined;
  const ms = SECONDS.test(text) ? Math.ceil(Number(text) * 1000) : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
}
