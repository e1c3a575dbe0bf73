// The OpenAPI document, as far as the reference page reads it.
import type { JsonSchema } from "../../packages/millrace/src/route.ts";

/** Of the document, as far as the page needs it. */
export interface RestDocument {
  readonly info: { readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
  };
}

export interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly "x-category": string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, ResponseObject | { readonly $ref: string }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string }>>;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

export const JSON_TYPE = "application/json";

export const bodyOf = ({ requestBody }: Operation): JsonSchema | undefined =>
  requestBody?.content[JSON_TYPE]?.schema;

export const scopeOf = ({ security }: Operation): string | null =>
  Object.values(security[0] ?? {})[0]?.[0] ?? null;
