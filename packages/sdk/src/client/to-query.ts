type Pair = readonly [string, string];

/** `?a=1&b=2`; what is undefined is left out. Empty: nothing is there. */
export function toQuery(
  fields: Readonly<Record<string, string | number | undefined>>,
  more: readonly Pair[] = [],
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) query.append(name, String(value));
  }
  for (const [name, value] of more) query.append(name, value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
