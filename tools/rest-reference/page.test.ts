// The reference page of REST v1 against the routes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createDocument } from "../../packages/millrace/src/doors/openapi/document.ts";
import type { Route } from "../../packages/millrace/src/route.ts";
import { PAGE, printPage } from "../openapi.ts";
import type { RestDocument } from "./document.ts";
import { toRestPage } from "./page.ts";
import { ROOT } from "../workspace.ts";

const aRoute = (more: Partial<Route> = {}): Route =>
  ({
    method: "GET",
    path: "/api/v1/things",
    scope: "runs:read",
    category: "read",
    summary: "List the things of a test",
    answers: { 200: { description: "Things.", schema: { type: "array" } } },
    handle: () => ({ status: 200, body: null, headers: {} }),
    ...more,
    // One of three kinds of routes, made of parts of it.
  }) as Route;

const print = (...routes: readonly Route[]): string =>
  // Made by ourselves, in this form.
  toRestPage(createDocument(routes) as unknown as RestDocument, routes);

describe("docs/reference/rest.md", () => {
  test("is what the document gives; `npm run openapi` writes it", async () => {
    expect(readFileSync(join(ROOT, PAGE), "utf8")).toBe(await printPage());
  });
});

describe("toRestPage", () => {
  test("says of a route where it is, who may call it and how it counts", () => {
    const page = print(aRoute({ description: "Some of them." }));
    expect(page).toContain("| GET | `/api/v1/things` | `runs:read` | `read` | [List the things");
    expect(page).toContain(
      "### List the things of a test\n\n`GET /api/v1/things`: needs a key with `runs:read`, counts as `read`.\n\nSome",
    );
    expect(page).toContain('curl -s "http://127.0.0.1:3000/api/v1/things" -H "x-api-key: $KEY"');
    expect(print(aRoute({ scope: "public" }))).toContain("`GET /api/v1/things`: needs no key.");
  });

  test("lists parameters and the fields of a body, with those inside them", () => {
    const inner = { type: "object", properties: { b: { type: "string", maxLength: 5 } } };
    const body = {
      type: "object",
      properties: {
        a: inner,
        c: { type: "array", items: inner },
        d: { anyOf: [inner, { type: "null" }] },
      },
      required: ["a"],
    };
    const params = { id: { type: "string", pattern: "^a|b$", description: "Which." } };
    const page = print(aRoute({ method: "POST", path: "/api/v1/things/:id", params, body }));
    expect(page).toContain("| `id` \\* | path | string, like `^a\\|b$` | Which. |");
    for (const name of ["`a` \\*", "`a.b`", "`c`", "`c[].b`", "`d`", "`d.b`"]) {
      expect(page).toContain(`| ${name} |`);
    }
    expect(page).toContain("| `a.b` | string, up to 5 characters |");
  });

  test("says the faults of a kind once, and those of a route with it", () => {
    const page = print(
      aRoute({ faults: ["run.finished", "tenant.exists"] }),
      aRoute({ path: "/api/v1/others", summary: "List others" }),
      aRoute({ path: "/health/x", scope: "public", category: "probe", summary: "Be well" }),
    );
    expect(page).toContain("| any | 500 `internal.error` |");
    expect(page.split("429 `request.rate-limited`")).toHaveLength(2);
    expect(page).toMatch(/\| 409 \| .+ \| `run\.finished` \|/);
    expect(page).toMatch(/\| 409 \| .+ \| `tenant\.exists` \|/);
  });

  test("gives a body that one route takes no section of its own", () => {
    const body = { title: "Thing", type: "object", properties: { a: { type: "string" } } };
    const one = aRoute({ method: "POST", summary: "Make a thing", body });
    const other = aRoute({ method: "PUT", summary: "Put a thing", body });
    expect(print(one)).not.toContain("### Thing");
    expect(print(one, other)).toContain("### Thing");
  });
});
