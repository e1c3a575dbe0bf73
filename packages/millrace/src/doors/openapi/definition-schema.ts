// The engine's own schema of a workflow, as a component of the document.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { JsonSchema } from "../../route.ts";

const PLACE = createRequire(import.meta.url).resolve("@millrace/engine/workflow.schema.json");

/**
 * Its parts stay inside it, and references lead there. It lets other fields be: what sends a definition says what may
 * stand beside it.
 *
 * @param name of the component
 */
export function readDefinitionSchema(name: string): JsonSchema {
  const text = readFileSync(PLACE, "utf8");
  const local = text.replaceAll('"#/$defs/', `"#/components/schemas/${name}/$defs/`);
  // A file of the engine's package, published with it.
  const schema = JSON.parse(local) as JsonSchema;
  const { $schema: _, $id: __, title: ___, additionalProperties: ____, ...component } = schema;
  return component;
}
