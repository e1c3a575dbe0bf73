// Text by characters (code points), so that no emoji is cut in two.

const SURROGATE = /[\uD800-\uDFFF]/;

/** @returns characters of the text, an emoji being one or a few */
export function countCharacters(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (let at = 0; at < text.length; at = after(text, at)) count++;
  return count;
}

/** @param start negative: from the end; before the beginning there is nothing */
export function cutCharacters(text: string, start: number, length: number): string {
  const from = start < 0 ? countCharacters(text) + start : start;
  if (from < 0) return "";
  if (!SURROGATE.test(text)) return text.slice(from, from + length);
  const begin = skip(text, 0, from);
  return text.slice(begin, skip(text, begin, length));
}

/** @returns the index `count` characters behind `from`, at most the text's length */
function skip(text: string, from: number, count: number): number {
  let at = from;
  for (let left = count; left > 0 && at < text.length; left--) at = after(text, at);
  return at;
}

const after = (text: string, at: number): number =>
  at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
