/** Longer parts of a path with both letters and digits are more often secrets (webhooks, bots) than names. */
const LONGEST_NAME = 20;

/** A URL as failures show it: without its query, and without parts of its path that look like secrets. */
export function toShownUrl({ origin, pathname }: URL): string {
  const parts = pathname.split("/").map((part) => {
    const isSecret = part.length >= LONGEST_NAME && /\d/.test(part) && /[a-z]/i.test(part);
    return isSecret ? "…" : part;
  });
  return `${origin}${parts.join("/")}`;
}
