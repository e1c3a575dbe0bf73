// Reads the requests that samples print for a shell or for Python, without either: as the tools would send them.

export interface PrintedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What curl says of a body when nobody says what it is. */
const CURL_CONTENT_TYPE = "application/x-www-form-urlencoded";

/**
 * One call of curl, with comments before it, continued lines and a crontab's five fields.
 *
 * @param env of `$NAME` between double quotes
 */
export function parseCurl(
  text: string,
  env: Readonly<Record<string, string>> = {},
): PrintedRequest {
  const words = toShellWords(text.replaceAll(/^#.*\n/gm, ""), env);
  const headers: Record<string, string> = {};
  let method: string | undefined;
  let url: string | undefined;
  let body: string | undefined;
  const rest = words.slice(words.indexOf("curl") + 1).values();
  for (const word of rest) {
    const value = (): string => rest.next().value ?? "";
    if (word === "-X") method = value();
    else if (word === "-d") body = value();
    else if (word === "-H") {
      const [name = "", ...parts] = value().split(":");
      headers[name.toLowerCase()] = parts.join(":").trim();
    } else if (word.startsWith("-") || url !== undefined) throw new Error(`curl ${word}?`);
    else url = word;
  }
  if (url === undefined) throw new Error("curl without an address");
  if (body !== undefined) headers["content-type"] ??= CURL_CONTENT_TYPE;
  return { method: method ?? (body === undefined ? "GET" : "POST"), url, headers, body };
}

/** A word is a run of plain text, '…' and "…" without blanks between them; a backslash before a line's end is none. */
const WORD = /(?:\\\n|\s)*((?:[^\s'"\\]|'[^']*'|"[^"]*")+)/g;
const PART = /'([^']*)'|"([^"]*)"|([^'"]+)/g;

function toShellWords(text: string, env: Readonly<Record<string, string>>): readonly string[] {
  const expand = (part: string): string =>
    part.replaceAll(/\$(\w+)/g, (_, name: string) => env[name] ?? "");
  return [...text.matchAll(WORD)].map(([, word = ""]) =>
    [...word.matchAll(PART)]
      .map(([, literal, quoted, plain]) => literal ?? expand(quoted ?? plain ?? ""))
      .join(""),
  );
}

const REQUESTS_POST =
  /requests\.post\(\s*f'([^']*)',\s*headers=(\{[^}]*\}),\s*json=(\{.*\})\s*\)\n/s;

/**
 * One call of Python's `requests.post` with an f-string, headers and a body of literals.
 *
 * @param variables of the script
 */
export function parseRequestsPost(
  text: string,
  variables: Readonly<Record<string, string>>,
): PrintedRequest {
  const [found, address = "", headers = "", json = ""] = REQUESTS_POST.exec(text) ?? [];
  if (found === undefined) throw new Error("no call of requests.post");
  const url = address.replaceAll(/\{(\w+)\}/g, (_, name: string) => variables[name] ?? "");
  // The literals differ from JSON in their quotes alone, and the names of variables stand bare.
  const literal = (dict: string): unknown =>
    JSON.parse(
      dict
        .replaceAll(/: (\w+)(?=[,\n])/g, (all, name: string) =>
          Object.hasOwn(variables, name) ? `: '${variables[name]}'` : all,
        )
        .replaceAll("'", '"'),
    );
  return {
    method: "POST",
    url,
    // The pattern makes sure of texts.
    headers: literal(headers) as Readonly<Record<string, string>>,
    body: JSON.stringify(literal(json)),
  };
}
