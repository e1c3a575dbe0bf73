import type { FieldReader } from "../field-reader.ts";
import type { Report } from "../report.ts";
import { compileSchema } from "./compile-schema.ts";
import type { Schema } from "./schema.ts";

/** @returns null: there is no such schema, or it has mistakes, which are reported */
export function readSchema(
  fields: FieldReader,
  name: "inputSchema" | "outputSchema",
  report: Report,
): Schema | null {
  const value = fields.value(name);
  return value === undefined ? null : (compileSchema(value, fields.at(name), report) ?? null);
}
