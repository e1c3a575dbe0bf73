import type { JsonValue } from "@millrace/protocol";
import { cutCharacters, countCharacters } from "./characters.ts";
import { checkLength, checkListLength, MAX_LIST_LENGTH, type Cost } from "./cost.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { defineTextFilter, integerParam, optional, textParam, type Filter } from "./filter.ts";
import { escapeHtml, stripHtml } from "./html.ts";
import { TemplateError } from "./template-error.ts";

const MAX_LENGTH = 1_000_000_000;

/** A filter without arguments. */
const define = (name: string, description: string, change: (text: string) => string): Filter =>
  defineTextFilter(name, description, { apply: change });

function capitalize(text: string): string {
  const first = cutCharacters(text, 0, 1);
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** Counts before it builds, since a short text may be replaced by a long one many times. */
function replaceAll(text: string, search: string, replacement: string, cost: Cost): string {
  if (search === "") return text;
  let count = 0;
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + search.length))
    count++;
  const length = text.length + count * (replacement.length - search.length);
  checkLength(length);
  cost.text(length);
  // A function, since text would be read for `$&`.
  return text.replaceAll(search, () => replacement);
}

/** As in Liquid, parts that are empty at the end are left out: nothing has no parts. */
function splitText(text: string, separator: string): JsonValue {
  // One more than allowed, so that too many are seen.
  const parts = separator === "" ? toCharacters(text) : text.split(separator, MAX_LIST_LENGTH + 1);
  checkListLength(parts.length);
  return parts.slice(0, parts.findLastIndex((part) => part !== "") + 1);
}

function toCharacters(text: string): readonly string[] {
  const characters: string[] = [];
  for (const character of text) {
    if (characters.push(character) > MAX_LIST_LENGTH) break;
  }
  return characters;
}

function truncate(text: string, length: number, end: string): string {
  // No character is longer than two units: most texts need no counting.
  if (text.length <= length || countCharacters(text) <= length) return text;
  return cutCharacters(text, 0, Math.max(length - countCharacters(end), 0)) + end;
}

const WORD = /\S+/g;

function truncateWords(text: string, count: number, end: string): string {
  let found = 0;
  let last = 0;
  for (const word of text.matchAll(WORD)) {
    if (++found > count) return text.slice(0, last) + end;
    last = word.index + word[0].length;
  }
  return text;
}

/** Letters and digits of any script, without their accents, joined by hyphens. */
const slugify = (text: string): string =>
  text
    .normalize("NFKD")
    .replaceAll(/\p{M}+/gu, "")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    // There is at most one at either end.
    .replaceAll(/^-|-$/g, "");

/** As forms write it, and Liquid: a space is `+`. */
const encodeUrl = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+");

function decodeUrl(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // The only reason to throw: a `%` that begins no character.
    throw new TemplateError("needs URL-encoded text; its value is none");
  }
}

export const TEXT_FILTERS: readonly Filter[] = [
  define("upcase", "In upper case.", (text) => text.toUpperCase()),
  define("downcase", "In lower case.", (text) => text.toLowerCase()),
  define("capitalize", "The first letter in upper case, all others in lower case.", capitalize),
  defineTextFilter("strip", "Without white space at both ends.", {
    html: "keeps",
    apply: (text) => text.trim(),
  }),
  defineTextFilter("lstrip", "Without white space at the beginning.", {
    html: "keeps",
    apply: (text) => text.trimStart(),
  }),
  defineTextFilter("rstrip", "Without white space at the end.", {
    html: "keeps",
    apply: (text) => text.trimEnd(),
  }),
  defineTextFilter(
    "split",
    "A list of the parts between separators, empty ones at the end left out; of the characters, if the separator is empty.",
    {
      params: [textParam("separator")],
      apply: (text, _, separator) => splitText(text, separator),
    },
  ),
  defineTextFilter("replace", "Every place where a text stands is replaced by another.", {
    params: [textParam("search"), textParam("replacement")],
    apply: (text, cost, search, replacement) => replaceAll(text, search, replacement, cost),
  }),
  defineTextFilter("replace_first", "The first place where a text stands is replaced by another.", {
    params: [textParam("search"), textParam("replacement")],
    apply: (text, cost, search, replacement) => {
      checkLength(text.length + replacement.length);
      cost.text(replacement.length);
      return search === "" ? text : text.replace(search, () => replacement);
    },
  }),
  defineTextFilter("remove", "Without a text, wherever it stands.", {
    params: [textParam("search")],
    apply: (text, cost, search) => replaceAll(text, search, "", cost),
  }),
  defineTextFilter("append", "Followed by another text.", {
    params: [textParam("text")],
    html: "keeps",
    apply: (text, cost, end) => concat(text, end, cost),
  }),
  defineTextFilter("prepend", "Behind another text.", {
    params: [textParam("text")],
    html: "keeps",
    apply: (text, cost, begin) => concat(begin, text, cost),
  }),
  defineTextFilter(
    "truncate",
    "At most so many characters (default: 50), with their end `...` or another.",
    {
      params: [optional(integerParam("length", 0, MAX_LENGTH)), optional(textParam("end"))],
      apply: (text, _, length = 50, end = "...") => truncate(text, length, end),
    },
  ),
  defineTextFilter(
    "truncatewords",
    "At most so many words (default: 15), then `...` or another end.",
    {
      params: [optional(integerParam("count", 0, MAX_LENGTH)), optional(textParam("end"))],
      apply: (text, _, count = 15, end = "...") => truncateWords(text, count, end),
    },
  ),
  define("slugify", "As part of a URL: letters and digits, joined by hyphens.", slugify),
  defineTextFilter("escape", "Safe inside HTML: the characters `&<>\"'` are escaped.", {
    html: "escapes",
    apply: escapeHtml,
  }),
  define("strip_html", "Without tags, comments, scripts and styles.", stripHtml),
  defineTextFilter("newline_to_br", "With `<br />` before each line break.", {
    html: "wraps",
    apply: (text) => text.replaceAll(/\r?\n/g, "<br />\n"),
  }),
  define("url_encode", "Safe inside a URL; a space becomes `+`.", encodeUrl),
  define("url_decode", "What `url_encode` was given.", decodeUrl),
  define("base64_encode", "In base64, from UTF-8.", encodeBase64),
  define(
    "base64_decode",
    "What `base64_encode` was given; takes the URL alphabet too.",
    decodeBase64,
  ),
];

function concat(first: string, second: string, cost: Cost): string {
  checkLength(first.length + second.length);
  cost.text(second.length);
  return first + second;
}
