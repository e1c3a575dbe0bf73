// Schemas with a title are said once, as components, and referred to elsewhere.
import type { JsonValue } from "@millrace/protocol";
import type { JsonSchema } from "../../route.ts";

/** Keywords whose values are data, not schemas. */
const DATA: ReadonlySet<string> = new Set(["examples", "default", "enum", "const"]);

type JsonObject = { readonly [key: string]: JsonValue };

export class Components {
  readonly #schemas = new Map<string, JsonSchema>();

  constructor(given: Readonly<Record<string, JsonSchema>> = {}) {
    for (const [name, schema] of Object.entries(given)) this.#schemas.set(name, schema);
  }

  /** The schema with references in place of those inside it, and of itself, that have a title. */
  refer(schema: JsonSchema): JsonSchema {
    // An object in, an object out.
    return this.#walk(schema) as JsonSchema;
  }

  /** By name, in the order of the names. */
  list(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #walk(value: JsonValue): JsonValue {
    if (typeof value !== "object" || value === null) return value;
    // `isArray` makes a readonly list `any[]`.
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map((it) => this.#walk(it));
    const { title, ...rest } = value as JsonObject;
    // A property may be called `title`; then it is a schema.
    if (typeof title !== "string") return this.#walkFields(value as JsonObject);
    this.#add(title, this.#walkFields(rest));
    return { $ref: `#/components/schemas/${title}` };
  }

  #walkFields(fields: JsonObject): JsonObject {
    return Object.fromEntries(
      Object.entries(fields).map(([key, it]) => [key, DATA.has(key) ? it : this.#walk(it)]),
    );
  }

  #add(name: string, schema: JsonSchema): void {
    const before = this.#schemas.get(name);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(schema)) {
      throw new Error(`two schemas have the title ${name}`);
    }
    this.#schemas.set(name, schema);
  }
}
