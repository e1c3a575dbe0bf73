import { Validator } from "@seriousme/openapi-schema-validator";
import { ERROR_CODES } from "@millrace/protocol";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COPY, printDocument } from "../../../../../tools/openapi.ts";
import { openTestServer } from "../../../../../tools/testkit/open-test-server.ts";
import { ROOT } from "../../../../../tools/workspace.ts";
import { OPERATING_DOOR } from "../operating/door.ts";
import { REST_DOOR } from "../rest/door.ts";
import type { Route } from "../../route.ts";
import { createDocument } from "./document.ts";

const ROUTES = [...REST_DOOR.routes, ...OPERATING_DOOR.routes];

interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly { readonly name: string; readonly description: string }[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}
interface Shown {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

// Made by ourselves; the validator looks at its form.
const show = (routes: readonly Route[]): Shown => createDocument(routes) as unknown as Shown;
const DOCUMENT = show(ROUTES);

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

describe("the OpenAPI document", () => {
  test("is OpenAPI 3.1, says a validator", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(createDocument(ROUTES)));
    expect([validator.version, result.valid, result.errors]).toEqual(["3.1", true, undefined]);
  });

  test("is the one that is committed; `npm run openapi` writes it", async () => {
    expect(readFileSync(join(ROOT, COPY), "utf8")).toBe(await printDocument());
  });

  test("is served to anybody, and the same as the committed one", async () => {
    await using server = await openTestServer();
    const { status, headers, text } = await server.send("GET", "/api/v1/openapi.json", {
      key: null,
    });
    expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
    const committed = readFileSync(join(ROOT, COPY), "utf8");
    expect(text).toBe(JSON.stringify(JSON.parse(committed)));
  });

  test("has every route, with its scope", () => {
    for (const { method, path, scope } of ROUTES) {
      const template = path.replaceAll(/:(\w+)/g, "{$1}");
      const operation = DOCUMENT.paths[template]?.[method.toLowerCase()];
      const scopes = operation?.security.flatMap((it) => Object.values(it).flat()) ?? ["no route"];
      expect([path, [...new Set(scopes)]]).toEqual([path, scope === "public" ? [] : [scope]]);
    }
  });

  test("gives each operation a name of its own, and each parameter words", () => {
    const operations = Object.values(DOCUMENT.paths).flatMap((it) => Object.values(it));
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z][A-Za-z0-9]+$/.test(name))).toEqual([]);
    const silent = operations.flatMap(({ parameters }) =>
      parameters.filter(({ description }) => description === ""),
    );
    expect(silent).toEqual([]);
  });

  test("refers to nothing that it has not", () => {
    const text = JSON.stringify(DOCUMENT);
    const references = new Set(
      Array.from(text.matchAll(/"\$ref":"([^"]+)"/g), ([, it = ""]) => it),
    );
    expect(references.size).toBeGreaterThan(20);
    for (const reference of references) {
      let at: unknown = DOCUMENT;
      for (const part of reference.slice(2).split("/")) {
        at = (at as Readonly<Record<string, unknown>> | undefined)?.[part];
      }
      expect([reference, typeof at]).toEqual([reference, "object"]);
    }
  });
});

describe("createDocument", () => {
  test("names an operation after its summary, and documents what may go wrong", () => {
    const shown = show([aRoute({ faults: ["run.not-found"] })]);
    const operation = shown.paths["/api/v1/things"]?.["get"];
    expect(operation?.operationId).toBe("listThingsOfTest");
    expect(Object.keys(operation?.responses ?? {})).toEqual([
      "200",
      "400",
      "401",
      "403",
      "404",
      "429",
      "500",
      "503",
    ]);
  });

  test("gives a status both meanings, if it is an answer and a fault", () => {
    const { status } = ERROR_CODES["run.finished"];
    const answers = { [status]: { description: "Fine.", schema: { type: "string" } } };
    const shown = show([aRoute({ answers, faults: ["run.finished"] })]);
    expect(JSON.stringify(shown.paths["/api/v1/things"]?.["get"]?.responses[status])).toContain(
      '"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/Error"}]',
    );
  });

  test("refuses a part of the path without a schema, and a schema without its part", () => {
    expect(() => show([aRoute({ path: "/x/:id" })])).toThrow("/x/:id and its params differ");
    expect(() => show([aRoute({ params: { id: {} } })])).toThrow("differ");
  });

  test("refuses one title for two schemas", () => {
    const answers = {
      200: { description: "", schema: { title: "A", type: "string" } },
      201: { description: "", schema: { title: "A", type: "number" } },
    };
    expect(() => show([aRoute({ answers })])).toThrow("two schemas have the title A");
  });
});
