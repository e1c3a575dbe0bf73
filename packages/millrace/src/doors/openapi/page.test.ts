import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";
import { OPERATING_DOOR } from "../operating/door.ts";
import { REST_DOOR } from "../rest/door.ts";
import type { Route } from "../../route.ts";
import { renderPage } from "./page.ts";

const ROUTES = [...REST_DOOR.routes, ...OPERATING_DOOR.routes];
const ORIGIN = "http://127.0.0.1:3000";
const PAGE = renderPage(ROUTES, ORIGIN);

const all = (pattern: RegExp, text = PAGE): readonly string[] =>
  Array.from(text.matchAll(pattern), ([, it = ""]) => it);

const VOID: ReadonlySet<string> = new Set(["meta", "!doctype"]);

/** Tags that are opened and not closed, or closed and not opened. */
function findUnbalanced(text: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = ""] of text.matchAll(/<(\/?)([a-z!][a-z0-9]*)[^>]*>/gi)) {
    if (VOID.has(name.toLowerCase())) continue;
    if (slash === "") open.push(name);
    else if (open.at(-1) === name) open.pop();
    else wrong.push(name);
  }
  return [...wrong, ...open];
}

describe("the page of the API", () => {
  test("has every route with its scope, and is well formed", () => {
    const shown = all(/<span class="path">([^<]+)</g);
    expect(shown.toSorted()).toEqual(ROUTES.map(({ path }) => path).toSorted());
    expect(all(/Needs a key with <code>([^<]+)</g)).toHaveLength(
      ROUTES.filter(({ scope }) => scope !== "public").length,
    );
    expect(findUnbalanced(PAGE)).toEqual([]);
  });

  test("leads to what it has", () => {
    const ids = new Set(all(/ id="([^"]+)"/g));
    expect(ids.size).toBe(all(/ id="([^"]+)"/g).length);
    const targets = all(/href="#([^"]+)"/g);
    expect(targets.length).toBeGreaterThan(ROUTES.length);
    expect(targets.filter((it) => !ids.has(it))).toEqual([]);
  });

  test("loads nothing and runs nothing", () => {
    expect(all(/<(script|link|img|iframe|object|embed|svg)/gi)).toEqual([]);
    expect(all(/ (src|style|on[a-z]+)="/gi)).toEqual([]);
    expect(all(/ href="(?!#)([^"]*)"/g)).toEqual(["/api/v1/openapi.json"]);
    expect(all(/(@import|url\()/g)).toEqual([]);
  });

  test("is served to anybody, with a policy that allows its own style and nothing else", async () => {
    await using server = await openTestServer();
    const { status, headers, text } = await server.send("GET", "/api/v1/docs", { key: null });
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const [style = ""] = all(/<style>([\s\S]*?)<\/style>/g, text);
    const hash = createHash("sha256").update(style).digest("base64");
    expect(headers.get("content-security-policy")).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test("shows a line to paste for each route, with a body that is an example", () => {
    const lines = all(/<pre><code>(curl [^<]+)<\/code>/g);
    expect(lines).toHaveLength(ROUTES.length);
    expect(lines).toContain(
      "curl -s &quot;http://127.0.0.1:3000/api/v1/workflows/$ID/run&quot; -H &quot;x-api-key: $KEY&quot; " +
        "-d &#39;{&quot;input&quot;:{&quot;n&quot;:21}}&#39;",
    );
    expect(lines).toContain("curl -s &quot;http://127.0.0.1:3000/api/v1/health&quot;");
  });

  test("says the faults of a route in words, and keeps those of its kind apart", () => {
    const [, after = ""] = PAGE.split('<section id="post-api-v1-workflows-id-run">');
    const [own = "", kind = ""] = (after.split("</section>")[0] ?? "").split("<details>");
    expect(own).toMatch(
      /<td>400<\/td>\s*<td><code>workflow\.not-active<\/code><\/td>\s*<td>Only an/,
    );
    expect(own).not.toContain("request.rate-limited");
    expect(kind).toContain("request.rate-limited");
    expect(kind).not.toContain("workflow.not-active");
  });

  test("says what an answer holds, and what stands inside a field", () => {
    expect(PAGE).toMatch(/<code>data<\/code> <a href="#schema-StartedRun">StartedRun<\/a>/);
    const [, after = ""] = PAGE.split('<section id="schema-Run">');
    expect(after).toMatch(/<code>parent<\/code>[^]*?<table>[^]*?<code>runId<\/code> \*/);
  });

  test("takes no address that a shell could read as something else", () => {
    const page = renderPage(ROUTES, "http://$(reboot)");
    expect(page).not.toContain("reboot");
    expect(page).toContain("curl -s &quot;http://127.0.0.1:3000/api/v1/health&quot;");
  });

  test("escapes whatever a route says", () => {
    const route: Route = {
      method: "GET",
      path: "/x",
      scope: "public",
      category: "read",
      summary: `<script>alert("1")</script>`,
      description: "`<b>` & 'c'\n\n- `one`\n- two",
      answers: { 200: { description: "<i>", schema: { type: "object" } } },
      handle: () => ({ status: 200, body: null, headers: {} }),
    };
    const page = renderPage([route], ORIGIN);
    expect(page).toContain("<h3>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</h3>");
    expect(page).toContain("<p><code>&lt;b&gt;</code> &amp; &#39;c&#39;</p>");
    expect(page).toMatch(/<li><code>one<\/code><\/li>\s*<li>two<\/li>/);
    expect(page).toContain("&lt;i&gt;");
  });
});
