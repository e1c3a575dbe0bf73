// Holds answers against the OpenAPI document: is the status documented, and does the body fit?
import { Validator } from "@cfworker/json-schema";
import type { JsonValue } from "@millrace/protocol";
import { OPERATING_DOOR } from "../../packages/millrace/src/doors/operating/door.ts";
import { REST_DOOR } from "../../packages/millrace/src/doors/rest/door.ts";
import { createDocument } from "../../packages/millrace/src/doors/openapi/document.ts";
import type { JsonSchema, Route } from "../../packages/millrace/src/route.ts";
import type { Answered } from "./open-test-server.ts";

export const ALL_ROUTES: readonly Route[] = [...REST_DOOR.routes, ...OPERATING_DOOR.routes];

/** `POST /api/v1/workflows/:id/run`, for names of tests. */
export const titleOf = ({ method, path }: Route): string => `${method} ${path}`;

interface Operation {
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}
interface Response {
  readonly content?: Content;
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: JsonValue;
}

export class RouteJudge {
  // Made by ourselves; a test of its own looks at its form.
  readonly #document = createDocument(ALL_ROUTES) as unknown as Document;
  readonly #validators = new Map<JsonSchema, Validator>();

  /** @returns what the document does not say of this answer; undefined: all is as documented */
  judge(route: Route, { status, headers, text }: Answered): string | undefined {
    if (status >= 500 && status !== 503) return `status ${status}: ${text.slice(0, 500)}`;
    const shown = this.#operation(route).responses[String(status)];
    const response = shown === undefined ? undefined : this.#follow<Response>(shown);
    if (response === undefined)
      return `the status ${status} is not documented: ${text.slice(0, 500)}`;
    const type = headers.get("content-type") ?? "";
    const schema = response.content?.[type]?.schema;
    if (schema === undefined) return `the type ${type} of ${status} is not documented`;
    if (!type.startsWith("application/json")) return undefined;
    const mistakes = this.mistakesOf(JSON.parse(text), schema);
    return mistakes.length === 0
      ? undefined
      : `${status} differs from its schema: ${mistakes.join("; ")}`;
  }

  /** Of the route's body, as the document has it: with references. undefined: it has none. */
  bodySchema(route: Route): JsonSchema | undefined {
    return this.#operation(route).requestBody?.content["application/json"]?.schema;
  }

  /** @param schema of the document; empty: the value fits */
  mistakesOf(value: unknown, schema: JsonSchema): readonly string[] {
    const { valid, errors } = this.#validator(schema).validate(value);
    return valid ? [] : errors.map((it) => `${it.instanceLocation}: ${it.error}`);
  }

  /** The schema itself, or the one that it refers to. */
  resolve(schema: JsonSchema): JsonSchema {
    return this.#follow(schema);
  }

  #follow<T extends object>(shown: T & { readonly $ref?: unknown }): T {
    const { $ref } = shown;
    if (typeof $ref !== "string") return shown;
    let at: unknown = this.#document;
    for (const part of $ref.slice(2).split("/"))
      at = (at as Readonly<Record<string, unknown>>)[part];
    // A reference of our own document; a test of its own follows them all.
    return at as T;
  }

  #operation({ method, path }: Route): Operation {
    const template = path.replaceAll(/:(\w+)/g, "{$1}");
    const operation = this.#document.paths[template]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`the document has no ${method} ${path}`);
    return operation;
  }

  #validator(schema: JsonSchema): Validator {
    const known = this.#validators.get(schema);
    if (known !== undefined) return known;
    const whole = { ...schema, components: this.#document.components };
    // It writes into the schema that it is given.
    const validator = new Validator(structuredClone(whole), "2020-12", false);
    this.#validators.set(schema, validator);
    return validator;
  }
}
