// The OpenAPI document of the routes: a pure function of the table, so that the committed copy can be compared.
import type { JsonValue } from "@millrace/protocol";
import { DEFINITION_COMPONENT } from "../rest/schemas/workflow.ts";
import type { ParameterSchemas, Route } from "../../route.ts";
import { Components } from "./components.ts";
import { readDefinitionSchema } from "./definition-schema.ts";
import { Responses } from "./responses.ts";

type JsonObject = { readonly [key: string]: JsonValue };

const JSON_TYPE = "application/json";

const ABOUT = `Durable workflows over HTTP. Every answer has \`x-request-id\`, which the log has, too. \
Fields and query parameters that nobody knows are refused with 400. No body is \`{}\`, and a body is read as JSON \
whatever its content type says. Answers to a key that has limits say in \`x-ratelimit-limit\`, \
\`x-ratelimit-remaining\` and \`x-ratelimit-reset\` how many requests of the route's category it has left in a minute. \
The administrator's key names a tenant with \`x-millrace-tenant\`; without it, it acts for \`default\`.`;

const KEY_SCHEMES = {
  apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
  bearer: { type: "http", scheme: "bearer", description: "The same key as a bearer token." },
} as const;

/** OpenAPI 3.1. The same routes give the same document, to the byte. */
export function createDocument(routes: readonly Route[]): JsonObject {
  const components = new Components({
    [DEFINITION_COMPONENT]: readDefinitionSchema(DEFINITION_COMPONENT),
  });
  const responses = new Responses(components);
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) {
    const path = (paths[toTemplate(route.path)] ??= {});
    path[route.method.toLowerCase()] = toOperation(route, components, responses);
  }
  const tags = [...new Set(routes.map(tagOf))];
  return {
    openapi: "3.1.0",
    info: { title: "Millrace REST v1", version: "1", description: ABOUT },
    servers: [{ url: "/" }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      schemas: components.list(),
      responses: responses.list(),
      securitySchemes: KEY_SCHEMES,
    },
  };
}

/** `/runs/{id}` for `/runs/:id`. */
const toTemplate = (path: string): string => path.replaceAll(/:([a-z]+)/gi, "{$1}");

/** `workflows`, of `/api/v1/workflows/:id`; what is no part of the API is for operators. */
export function tagOf({ path }: Route): string {
  const [, api, , resource] = path.split("/");
  return api === "api" && resource !== undefined ? (resource.split(".")[0] ?? "") : "operating";
}

function toOperation(route: Route, components: Components, responses: Responses): JsonObject {
  const { summary, description, body, scope } = route;
  return {
    tags: [tagOf(route)],
    operationId: toOperationId(summary),
    summary,
    ...(description === undefined ? {} : { description }),
    "x-category": route.category,
    security: scope === "public" ? [] : [{ apiKey: [scope] }, { bearer: [scope] }],
    parameters: [
      ...toParameters("path", paramsOf(route)),
      ...toParameters("query", route.query ?? {}),
      ...toParameters("header", route.headers ?? {}),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: "required" in body || "allOf" in body,
            content: { [JSON_TYPE]: { schema: components.refer(body) } },
          },
        }),
    responses: responses.of(route),
  };
}

const ARTICLES: ReadonlySet<string> = new Set(["a", "an", "the"]);

/** `listVersionsOfWorkflow`, of "List the versions of a workflow". */
function toOperationId(summary: string): string {
  const words = summary.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words
    .filter((word) => !ARTICLES.has(word))
    .map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join("");
}

/** @throws {Error} for a part of the path that has no schema */
function paramsOf({ path, params = {} }: Route): ParameterSchemas {
  const names = Array.from(path.matchAll(/:([a-z]+)/gi), ([, name = ""]) => name);
  if (names.toSorted().join() !== Object.keys(params).toSorted().join()) {
    throw new Error(`${path} and its params differ`);
  }
  return params;
}

const toParameters = (place: "path" | "query" | "header", params: ParameterSchemas): JsonObject[] =>
  Object.entries(params).map(([name, { description = "", ...schema }]) => ({
    name,
    in: place,
    description,
    required: place === "path",
    schema,
  }));
